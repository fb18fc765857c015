"""What people write without derive: each layer's forward in plain NumPy, and its backward by hand."""
