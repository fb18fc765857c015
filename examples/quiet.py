"""A definition of one's own: a softmax that may attend to nothing."""


@layer
def quiet_softmax(x: Real[..., K], *, floor_at: Real = 1.0):
    """Softmax whose weights may all be small: 'none of these' takes the rest."""
    m[...] = max[k](x[..., k])
    e[..., k] = exp(x[..., k] - m[...])
    s[...] = floor_at*exp(-m[...]) + sum[k](e[..., k])
    y[..., k] = e[..., k]/s[...]
    return y
