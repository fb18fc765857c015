"""Dropouts: what is kept is drawn by the caller and is an input here."""


@layer(torch="nn.Dropout nn.functional.dropout")
def dropout(x: Real[...], keep: Bool[...] = bernoulli(1 - p), *, p: Real = 0.5, training: Bool = True):
    """Zeroes each value with probability p and scales the others by 1/(1 − p)."""
    assert 0 <= p <= 1
    if training:
        y[...] = where(keep[...], x[...]/(1 - p), 0)
    else:
        y[...] = x[...]
    return y
