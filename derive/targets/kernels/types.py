"""C's types of entries, and how a reduction starts."""

from __future__ import annotations

TYPES = {"real": "real", "const": "real", "index": "int64_t", "bool": "uint8_t"}
#: First value, and the pragma's operator, of each reduction.
START = {
    "sum": ("0", "+"), "count": ("0", "+"), "prod": ("1", "*"),
    "max": ("-INFINITY", "max"), "amax": ("-INFINITY", "max"),
    "min": ("INFINITY", "min"), "amin": ("INFINITY", "min"),
    "any": ("0", "|"), "all": ("1", "&"),
}  # fmt: skip
