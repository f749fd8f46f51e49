/** Layers in a state dict that are not dense, by the names and shapes of its arrays; and the way out. */

/** Where the weights are read by name and shape alone, only the program that has the model knows its form. */
export const EXPORT_ONNX =
  "its layers stand in the program that made it: there, call torch.onnx.export(model.eval(), torch.zeros(1, 1, 28, 28), 'out.onnx'), and give --weights out.onnx --engine onnx";

/** In words; undefined where all are dense. */
export function otherLayers(shapes: ReadonlyMap<string, readonly number[]>): string | undefined {
  const names = [...shapes.keys()];
  const hasConvolutions = [...shapes.values()].some((shape) => shape.length > 2);
  const hasNorm =
    names.some((name) => /running_(mean|var)$|num_batches_tracked$|moving_(mean|variance)/.test(name)) ||
    names.some((name) => /(^|\.)(bn|norm|ln)\w*\.weight$/i.test(name));
  const found = [...(hasConvolutions ? ["convolutions"] : []), ...(hasNorm ? ["batch normalization"] : [])];
  return found.length > 0 ? found.join(" and ") : undefined;
}
