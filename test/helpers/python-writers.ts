/** The Python libraries that others write weights with, each where this machine has it. */
import { pythonWith } from "./python.js";
import { needs } from "./require.js";

/** Interpreters. */
export const numpy = pythonWith("numpy");
export const onnx = pythonWith("onnx", "numpy");
export const safetensors = pythonWith("safetensors", "numpy");

export const h5py = pythonWith("h5py", "numpy");
export const torch = pythonWith("torch", "h5py", "numpy");

export const withNumpy = needs("numpy", numpy !== undefined);
export const withOnnx = needs("python-onnx", onnx !== undefined);
export const withSafetensors = needs("python-safetensors", safetensors !== undefined);
export const withH5py = needs("h5py", h5py !== undefined);
export const withTorch = needs("torch", torch !== undefined);
