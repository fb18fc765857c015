"""Table look-ups."""


@layer(torch="nn.Embedding nn.functional.embedding")
def embedding(token: Index[...], weight: Real[V, D], *, padding_idx: Int = None):
    """Rows of a table; the row ``padding_idx`` receives no gradient."""
    if padding_idx is None:
        y[..., d] = weight[token[...], d]
    else:
        y[..., d] = where(token[...] == padding_idx, constant(weight[token[...], d]), weight[token[...], d])
    return y


@layer(torch="nn.EmbeddingBag nn.functional.embedding_bag")
def embedding_bag(
    token: Index[N, L],
    weight: Real[V, D],
    per_sample_weights: Real[N, L] = 1,
    *,
    mode: Text["sum", "mean", "max"] = "mean", padding_idx: Int = None,
):
    """Rows of a table summed, averaged or maximized bag by bag; an empty bag gives 0."""
    inside: Bool[N, L]
    if padding_idx is None:
        inside[n, l] = l < L
    else:
        inside[n, l] = token[n, l] != padding_idx
    many[n] = count[l, inside[n, l]]()
    if mode == "max":
        y[n, d] = where(many[n] > 0, max[l, inside[n, l]](weight[token[n, l], d]), 0)
    elif mode == "mean":
        y[n, d] = sum[l, inside[n, l]](weight[token[n, l], d])/max(many[n], 1)
    else:
        y[n, d] = sum[l, inside[n, l]](per_sample_weights[n, l]*weight[token[n, l], d])
    return y
