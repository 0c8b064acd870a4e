"""What our estimators of two classes share: scikit-learn's conventions for what comes in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class BinaryClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that says yes where its ``decision_function`` is positive."""

    def _checked(self, X: Any, y: Any, sample_weight: Any, **wanted: Any) -> tuple[Any, Flags, Floats]:  # noqa: N803
        """The samples, which of them are of the second class, and what each counts. Raises ValueError."""
        X, y = validate_data(self, X, y, **wanted)  # noqa: N806
        counts = _check_sample_weight(sample_weight, X, dtype=np.float64, allow_all_zero_weights=False)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            found = type_of_target(y) if len(self.classes_) > 2 else "one class"
            raise ValueError(f"Only binary classification is supported. The type of the target is {found}.")
        return X, np.asarray(y == self.classes_[1]), counts

    def predict(self, X: Any) -> npt.NDArray[Any]:  # noqa: N803
        """The class of each row."""
        check_is_fitted(self)
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(int)])

    def __sklearn_tags__(self) -> Any:
        """Two classes."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
