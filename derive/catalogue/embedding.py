"""Table look-ups."""


@layer(torch="nn.Embedding nn.functional.embedding")
def embedding(token: Index[...], weight: Real[V, D], *, padding_idx: Int = None):
    """Rows of a table; the row ``padding_idx`` receives no gradient."""
    if padding_idx is None:
        y[..., d] = weight[token[...], d]
    else:
        y[..., d] = where(token[...] == padding_idx, constant(weight[token[...], d]), weight[token[...], d])
    return y
