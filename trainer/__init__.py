"""What runs over night: data, networks, losses, the training loop, evaluation."""
