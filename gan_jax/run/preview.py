"""What a run would be, before it is: `--dry-run`."""

import jax

from gan_jax import flops, parallel
from gan_jax.config import Config, FewLabels
from gan_jax.config.build import as_read, build_gan, discriminator_layers, example, load_data
from gan_jax.config.schema import to_json, with_values
from gan_jax.data.labelled import few
from gan_jax.gan import init
from gan_jax.memory import available_memory, in_words, of_process
from gan_jax.run.beginning import begin
from gan_jax.run.comparing import check_beforehand
from gan_jax.run.devices import choose_devices
from gan_jax.run.features import Say
from gan_jax.run.room import require_room
from gan_jax.run.training import make_step


def preview(config: Config, say: Say) -> str:
    """The resolved config, the data, parameter counts, and the compiled step's work and memory. Writes nothing.

    `say` is told before the step is compiled, once all that is wrong would have been found.
    """
    devices = choose_devices(config)
    mesh = parallel.make_mesh(devices)
    require_room(config, devices)
    bare = of_process("VmRSS")
    config.task.check_files()
    data = load_data(with_values(config, {"data.download": False}))
    if isinstance(config.task, FewLabels):
        few(data, config.task.labels, config.seed)  # raises for counts that the data do not have
    if config.evaluate.every:
        check_beforehand(config, data)
    gan = build_gan(config, len(data.classes))
    state = jax.eval_shape(lambda: init(gan, jax.random.key(0), example(config)))
    begun: list[str] = []
    if config.start.run and config.start.sha256 is None:  # else it has begun, and does not need the other any more
        config, _, begun = begin(config, state, len(data.classes))
    stacked = config.batches_per_step
    step = parallel.compile_step(make_step(config, gan), mesh, stacked=stacked)
    batch = jax.eval_shape(lambda: as_read(config, stacked=stacked))
    say("compiling one step, to count its work")
    compiled = step.lower(state, batch).compile()  # type: ignore[attr-defined]
    work = flops.count(step, state, batch)
    memory = compiled.memory_analysis()
    kinds = f"{len(data.classes)} classes"
    if data.features is not None:
        kinds += f", with {' x '.join(map(str, data.features.shape[1:]))} features each"
    lines = [
        to_json(config).rstrip(),
        f"data           {data.name}: {len(data)} {data.things} {data.images.shape[1:]}, {kinds}",
        f"               {in_words(data.memory(config.batch_size))} of this machine's memory, read ahead included",
        _of_this_process(bare),
        f"generator      {_size(state.generator.weights.params):,} parameters",
        f"discriminator  {_size(state.discriminator.weights.params):,} parameters",
        f"devices        {len(devices)} x {devices[0].device_kind}",
        f"a step         {work / 1e9:,.2f} GFLOP, {work / config.images_per_step / 1e9:,.2f} an image, on all devices",
        f"memory         {(memory.argument_size_in_bytes + memory.temp_size_in_bytes) / 2**20:.0f} MiB a device "
        "(state, batch and intermediates)" if memory and config.parallel == "jit" else "",
        *begun,
        f"layers of D    {numbered_layers(config, len(data.classes))}" if config.start.run else "",
        "dry run: nothing was written",
    ]  # fmt: skip
    return "\n".join(line for line in lines if line)


def _of_this_process(bare: int | None) -> str:
    """What a process takes beside the data, as this one did; nothing where the system does not say."""
    most, left = of_process("VmHWM"), available_memory()
    if bare is None or most is None or left is None:
        return ""
    held = f"{in_words(bare)} of it before the data were read (Python and JAX), {in_words(most)} at most until now"
    return f"this process   {held}, compiling included; {in_words(left)} more are free"


def numbered_layers(config: Config, classes: int) -> str:
    """The discriminator's layers with their numbers, of which `start.freeze` names the last that stays."""
    return ", ".join(f"{i} {name}" for i, name in enumerate(discriminator_layers(config, classes), 1))


def _size(tree: object) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
