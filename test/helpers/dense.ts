/** Networks whose layers are all fully connected, for tests that read their weights. */
import type { DenseLayer, Network } from "#src/base/contracts/network.js";
import { denseLayers } from "#src/networks/chain.js";
import { type LoadNetworkOptions, loadNetwork } from "#src/networks/registry.js";

export interface DenseNetwork extends Network {
  readonly layers: readonly DenseLayer[];
}

/** @throws NetworkError ERR_NETWORK_LAYER if a layer is another one */
export function denseOf<N extends Network>(network: N): Omit<N, "layers"> & DenseNetwork {
  return { ...network, layers: denseLayers(network, "test them") };
}

export async function loadDense(source: string, options?: LoadNetworkOptions) {
  return denseOf(await loadNetwork(source, options));
}
