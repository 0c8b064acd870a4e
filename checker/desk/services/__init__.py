"""What may happen on the desk, to what, and by whom. No service knows of HTTP."""
