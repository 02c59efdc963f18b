"""The experiment of Stoller, Ewert, Dixon (ICASSP 2018), as it was: its network, data, losses and schedule."""
