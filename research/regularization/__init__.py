"""Regularization: the members of each slot, and how the engine calls each.

`entry.build(**options)` returns the transformation of the entry's slot. Numeric options may be
tracers (lane values). Keys come from the caller (per step, example or kernel) and are never stored.

| slot          | site              | build returns                                | evaluation  |
| ------------- | ----------------- | -------------------------------------------- | ----------- |
| data          | any, image        | `apply(x, key, train) -> x`                  | identity*   |
| targets       | any, image        | `apply(x, y, key) -> (x, y)`                 | not called  |
|               | (mixes_examples)   | `apply(x, y, key, real) -> (x, y)`           |             |
| parameters    | kernels           | `apply(w, key) -> w`                         | not called  |
| parameters    | reparametrization | `Reparametrization(split, join)`             | joined      |
| normalization | any, image        | a flax module: `module(x, fwd) -> x`         | `fwd.train` |
| activations   | hidden, input,    | `apply(x, key) -> x`                         | not called  |
|               | attention,        |                                              |             |
|               | recurrent         |                                              |             |
| activations   | branch            | `apply(x, key, depth) -> x`                  | not called  |
| loss          | kernels           | `penalty(w) -> []`                           | not called  |
| loss          | hidden            | `penalty(h) -> []`                           | not called  |
| update        | gradient, decay,  | `optax.GradientTransformationExtraArgs`      | not called  |
|               | independent       |                                              |             |
| projection    | norm, proximal    | `project(w, learning_rate) -> w`             | not called  |
| average       | parameters        | `average(mean, params, step, steps) -> mean` | the mean**  |
| stopping      | validation        | `Stopping(init, update)`                     | not called  |

data: one example x, scaled float32, image [H, W, C] or table row [F]. key: the example's; None in
    evaluation. train: static. In evaluation it is the identity, except *crop, which takes the
    centre. site image: images only. **The mean is projected (site norm) before it is used.

targets: a batch x [B, ...] with its target distribution (or regression targets) y [B, K], and one
    key per step. Entries with `mixes_examples` get the whole global batch, whatever the number of
    devices, and real [B], False where a row is padding (None: no row is). The others get the rows
    of their device.

parameters: one kernel w [..., K] in the forward pass. kernels: the key is the kernel's.
    reparametrization: `split(w) -> parts` at initialisation, `join(parts) -> w` in every forward
    pass.

normalization: x [B, ..., C]; statistics over examples are stored in the collection `batch_stats`.
    At most one is allowed.

activations: one example's x [...] with its key. hidden: after each hidden layer's activation, or at
    the output of a transformer's branch. input: before the first layer. attention: the weights
    [H, T, S] of H heads, T queries and S keys. recurrent: an array of ones, by which a layer then
    multiplies at every step of a sequence. branch: the output of a residual branch; depth in (0, 1]
    is its position among the branches.

loss: kernels: summed over the kernels. hidden: of one example's hidden activations h [...]; summed
    over layers, averaged over examples.

update: `update(updates, state, params, key=, learning_rate=, factor=)`. key: the step's. factor:
    the schedule's. gradient: before the optimizer. decay: after it, before the learning rate.
    independent: after the learning rate, where updates are what is added to the parameters.

projection: of one kernel after the update. norm: onto a set of norms, idempotent. proximal: one
    proximal step.

average: of whole trees. step counts from 0 and is that of the update that led to params. At step 0
    the mean is undefined.

stopping: pure functions over the epochs' validation losses (lower is better). The engine restores
    the parameters of the last epoch that `improved`.

Units: a unit's incoming weights are all axes of its kernel but the last. Strengths: see each
    member.
"""
