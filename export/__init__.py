"""From a checkpoint to a model file, and the proof that both give the same sound."""
