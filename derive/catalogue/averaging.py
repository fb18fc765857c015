"""Averages of the parameters over steps; t counts from 1, and the average starts where it is given."""


@optimizer
def ema(average: Real[...], theta: Real[...], *, decay: Real = 0.999):
    """The exponential moving average of theta."""
    average[t, ...] = decay*average[t - 1, ...] + (1 - decay)*theta[t, ...]


@optimizer
def swa(average: Real[...], theta: Real[...]):
    """The mean of the start and of every theta so far (stochastic weight averaging; Izmailov et al. 2018)."""
    average[t, ...] = average[t - 1, ...] + (theta[t, ...] - average[t - 1, ...])/(t + 1)
