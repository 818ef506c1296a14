"""What a view is."""

from typing import Any

View = dict[str, Any]
