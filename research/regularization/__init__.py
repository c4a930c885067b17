"""Regularization: the members of each slot, and what the engine calls of each.

`entry.build(**options)` returns the transformation of the entry's slot. Numeric options may be
tracers (lane values); a key is the caller's (a stream at a step, an example, a kernel) and is never
stored.

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

data: one example x, scaled float32, image [H, W, C] or table [F]; its own key, None in evaluation;
    train is static. The identity in evaluation, but for *crop, which then takes the centre. site
    image: images only. **After the projection by norm, where the parameters have one.

targets: a batch x [B, ...] with its target distribution (or regression targets) y [B, K], and one
    key per step. Entries with `mixes_examples` get the whole global batch, whatever the number of
    devices, with real [B], False where a row is padding (None: no row is); the others get the rows
    of their device.

parameters: one kernel w [..., K] in the forward pass. kernels: with that kernel's own key.
reparametrization: `split(w) -> parts` at initialisation, `join(parts) -> w` in every forward pass.

normalization: x [B, ..., C]; statistics over examples are kept in the collection `batch_stats`. At
    most one.

activations: one example's x [...] with its own key. hidden: after each hidden layer's activation,
    or what a branch of a transformer gives. input: before the first layer. attention: the weights
    [H, T, S] by which H heads at T places look at S. recurrent: of factors 1 that a layer
    multiplies with at every step of a sequence. branch: the output of a residual branch, depth in
    (0, 1] its place among the branches.

loss: kernels: summed over the kernels. hidden: of one example's hidden activations h [...], summed
    over layers, averaged over examples.

update: `update(updates, state, params, key=, learning_rate=, factor=)`; key: of the step; factor:
    the schedule's. gradient: before the optimizer. decay: after it, before the learning rate.
    independent: after the learning rate, when updates are what is added to the parameters.

projection: of one kernel after the update. norm: onto a set of norms, idempotent. proximal: a step
    of it.

average: of whole trees; step counts from 0 and is that of the update that led to params; mean is
    anything at step 0.

stopping: pure functions over the epochs' validation losses (lower is better); the engine keeps the
    parameters of the last epoch that `improved`.

Units: a unit's incoming weights are all axes of its kernel but the last. Strengths: see each
    member.
"""
