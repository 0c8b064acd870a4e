"""Run by Debian's own Python, which has uno: asks Writer's LanguageTool checker about stdin.

Prints a JSON list of [start, length, comment, suggestions]; positions are UTF-16 units.
"""

import json
import sys
import time

import uno
from com.sun.star.lang import Locale

local = uno.getComponentContext()
resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
for _ in range(600):
    try:
        context = resolver.resolve(f"uno:pipe,name={sys.argv[1]};urp;StarOffice.ComponentContext")
        break
    except Exception:
        time.sleep(0.2)
else:
    sys.exit("LibreOffice does not answer")
text = sys.stdin.read()
checker = context.ServiceManager.createInstanceWithContext(
    "org.openoffice.lingu.LanguageToolGrammarChecker", context
)
length = len(text.encode("utf-16-le")) // 2
result = checker.doProofreading("doc", text, Locale("zh", "CN", ""), 0, length, ())
errors = [
    [error.nErrorStart, error.nErrorLength, error.aShortComment, list(error.aSuggestions)]
    for error in result.aErrors
]
print(json.dumps(errors, ensure_ascii=False), flush=True)
