"""Whole models with their loss, made of other definitions."""


@layer
def mlp(x: Real[N, I], w1: Real[H, I], b1: Real[H], w2: Real[C, H], b2: Real[C]):
    """Two-layer perceptron: logits."""
    a = linear(x, w1, b1)
    h = relu(a)
    logits = linear(h, w2, b2)
    return logits


@layer
def mlp_loss(x: Real[N, I], target: Index[N], w1: Real[H, I], b1: Real[H], w2: Real[C, H], b2: Real[C]):
    """Two-layer perceptron under cross entropy."""
    logits = mlp(x, w1, b1, w2, b2)
    loss = cross_entropy(logits, target)
    return loss


@layer
def cnn(
    x: Real[N, C, H, W],
    w1: Real[F, C, 3, 3], b1: Real[F],
    w2: Real[G, F, 3, 3], b2: Real[G],
    w3: Real[K, [G, P, Q]], b3: Real[K],
):
    """Two rounds of convolution, rectifier and max pooling, then a linear map: logits."""
    P = (H//2)//2
    Q = (W//2)//2
    a1 = conv2d(x, w1, b1, padding=1)
    h1 = relu(a1)
    z1 = max_pool2d(h1, kernel_size=2)
    a2 = conv2d(z1, w2, b2, padding=1)
    h2 = relu(a2)
    z2 = max_pool2d(h2, kernel_size=2)
    flat[n, [g, p, q]] = z2[n, g, p, q]
    logits = linear(flat, w3, b3)
    return logits


@layer
def cnn_loss(
    x: Real[N, C, H, W],
    target: Index[N],
    w1: Real[F, C, 3, 3], b1: Real[F],
    w2: Real[G, F, 3, 3], b2: Real[G],
    w3: Real[K, [G, P, Q]], b3: Real[K],
):
    """The convolutional network under cross entropy."""
    P = (H//2)//2
    Q = (W//2)//2
    logits = cnn(x, w1, b1, w2, b2, w3, b3)
    loss = cross_entropy(logits, target)
    return loss
