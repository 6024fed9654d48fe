"""Judges a run: draws from its generator, compares with the real images, and says by which protocol."""

from jax.sharding import Mesh

from gan_jax import parallel
from gan_jax.config import Config
from gan_jax.config.build import load_data
from gan_jax.config.schema import with_values
from gan_jax.data.dataset import Dataset
from gan_jax.errors import DataError, RunError
from gan_jax.gan import GAN
from gan_jax.run import comparing, hosts, language, motion, segmenting
from gan_jax.run.features import Kind, Say
from gan_jax.run.files import RunFolder
from gan_jax.run.judging import EACH, EVALUATED, Asked, Judge, samples_of
from gan_jax.run.logs import ASKED, append, read_rows
from gan_jax.run.pictures import save_scores
from gan_jax.run.sampling import Counts, open_run
from gan_jax.run.scoreboard import as_row, curve, read_all, table


def make_judge(config: Config, gan: GAN, data: Dataset, counts: Counts, asked: Asked, *, mesh: Mesh, say: Say) -> Judge:
    """Builds the judge of a run, who draws and compares on all devices of the mesh, as it is judged.

    Of no more samples than `samples_of` finds of use.
    Raises DataError where there is too little to compare, or weights that cannot be read; ConfigError for more samples
    than memory holds, and for features that such data do not have.
    """
    asked = asked._replace(samples=samples_of(config, data, asked.samples, EVALUATED))
    comparing.check_samples(config, asked.samples)
    rooms = {"features": comparing, "ngrams": language, "motion": motion, "masks": segmenting}
    judge = rooms[config.judged_by].make_judge(config, gan, data, counts, asked, mesh=mesh, say=say)
    same = {f"evaluate: {key}": str(value) for key, value in judge.protocol.items()}
    hosts.must_agree(same, mend="give all hosts the same files and versions")
    return judge


def evaluate(
    run: str,
    *,
    kind: Kind | None,
    samples: int | None,
    seed: int,
    averaged: bool,
    best: bool,
    weights: str | None,
    download: bool,
    moved: dict[str, str],
    say: Say,
) -> list[str]:
    """`gan-jax evaluate`: judges a run, appends the row to its metrics.jsonl, and returns what to tell.

    `moved` names where the data are now, by config key. Raises ConfigError, DataError, RunError.
    """
    trained = open_run(run, best=best)
    folder, config = RunFolder(run), with_values(trained.config, moved)
    try:
        data = load_data(config)
    except DataError as error:
        raise DataError(f"{error}. If the data have moved, name them with --data-path or --data-dir") from None
    data.must_be(trained.notes["fingerprint"], trained.notes["images"])
    for remark in trained.remarks:
        say(remark)
    beside = data if data.test is None or config.task.classifies else data.test
    asked = Asked(samples_of(config, data, samples, EVALUATED), kind, weights, download, seed, averaged)
    mesh = parallel.make_mesh()
    judge = make_judge(config, trained.gan, data, trained.counts, asked, mesh=mesh, say=say)
    drawn_of = judge.protocol["samples"]
    few = samples is None and drawn_of == EACH * len(beside) < EVALUATED
    why = f"; {EACH} for each, as these are few: --samples draws other numbers" if few else ""
    step = int(trained.state.step)
    say(f"comparing {drawn_of:,} {data.things} of step {step} with {len(beside):,} of {beside.name}{why}")
    found = judge.evaluate(parallel.place(trained.state, mesh))
    row = as_row(found) | {ASKED: True}
    if row not in read_rows(folder.metrics):
        try:
            append(folder.metrics, row)
        except RunError:
            for line in table([found]):  # they may have taken an hour
                say(line)
            raise
    kept = read_all(folder.metrics)
    known = [e for e in kept if e.protocol == found.protocol]
    try:
        save_scores(folder.scores, kept)
    except Exception as error:  # whatever rows of another hand make Matplotlib raise: the scores are worth more
        say(f"no curves could be drawn: {error or type(error).__name__}")
    lines = [*table(known), ""]
    if config.conditional and not any("intra_fid" in name for name in found.scores):
        lines.append("no intra-FID: a class has no more images, real or drawn, than there are features")
    lines.append(f"kept in {folder.metrics}" + (f"; curves in {folder.scores}" if found in curve(kept) else ""))
    return lines
