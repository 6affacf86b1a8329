"""`make simulate`: what intervals and the gate promise, tried on data whose truth is known."""
