// SPDX-License-Identifier: MIT

// Models, local training, data, and federated averaging in the clear as the definition of the result.
//
//   Model/     what is trained: `ModelSpec` names it, `ModelLayout` orders its tensors, `Parameters` are its values.
//   Training/  `Trainer` turns parameters, samples and a seed into new parameters; `FederatedAveraging` is the mean.
//   Data/      `DatasetLoader` reads one part of a dataset, cut by a `PartitionScheme`.
//   Files/     parameters as safetensors files, replaced atomically.
