"""The models that ship with advsep, one `.onnx` file and one model card each."""
