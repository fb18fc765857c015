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


@layer(torch="nn.Dropout1d nn.Dropout2d nn.Dropout3d nn.functional.dropout2d")
def feature_dropout(
    x: Real[N, C, ...], keep: Bool[N, C] = bernoulli(1 - p), *, p: Real = 0.5, training: Bool = True,
):
    """Zeroes whole channels with probability p and scales the others by 1/(1 − p)."""
    assert 0 <= p <= 1
    if training:
        y[n, c, ...] = where(keep[n, c], x[n, c, ...]/(1 - p), 0)
    else:
        y[n, c, ...] = x[n, c, ...]
    return y


@layer(torch="nn.AlphaDropout nn.functional.alpha_dropout")
def alpha_dropout(x: Real[...], keep: Bool[...] = bernoulli(1 - p), *, p: Real = 0.5, training: Bool = True):
    """Sets values to where SELU saturates with probability p, then restores mean 0 and variance 1."""
    assert 0 <= p <= 1
    if training:
        s = 1/sqrt((1 - p)*(1 + 1.7580993408473766**2*p))
        y[...] = s*(where(keep[...], x[...], -1.7580993408473766) + 1.7580993408473766*p)
    else:
        y[...] = x[...]
    return y


@layer(torch="nn.FeatureAlphaDropout nn.functional.feature_alpha_dropout")
def feature_alpha_dropout(
    x: Real[N, C, ...], keep: Bool[N, C] = bernoulli(1 - p), *, p: Real = 0.5, training: Bool = True,
):
    """Alpha dropout of whole channels."""
    assert 0 <= p <= 1
    if training:
        s = 1/sqrt((1 - p)*(1 + 1.7580993408473766**2*p))
        y[n, c, ...] = s*(where(keep[n, c], x[n, c, ...], -1.7580993408473766) + 1.7580993408473766*p)
    else:
        y[n, c, ...] = x[n, c, ...]
    return y
