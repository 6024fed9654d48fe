#!/usr/bin/env bash
# All that is to be measured where a GPU is at hand, into one Markdown table, FOLDER/table.md.
#
#   benchmarks/on_gpu.sh FOLDER [--minutes N] [checks] [layers] [times] [together]
#   benchmarks/on_gpu.sh FOLDER [--minutes N] [--pack] train RECIPE DATA [KEY=VALUE ...]
#   benchmarks/on_gpu.sh FOLDER --rehearse
#
# Checks come first: that gan_jax and PyTorch agree, the CPU and the GPU, bfloat16 and float32. Then come convolutions,
# and train steps in all precisions. Without names these three, in 20 minutes; where one call may take 10, name them.
# `together` times all networks in bfloat16, batch 64, whose programs are compiled at once: in about ten minutes.
# Every part has a time of its own, and one that fails is a line of the table; FOLDER/log.txt says why. `--rehearse` does
# all of it at tiny sizes, in some five minutes of two idle CPU cores; busy ones took a quarter of an hour.
#
# `train` trains for N minutes (10 by default) and goes on where FOLDER holds the run already; DATA is what
# benchmarks/quality.py takes. `--pack` leaves the run as RECIPE.tar.00, .01 and so on, of 15 MB at most each, for
# machines that give back few and small files; the next call unpacks them. The best checkpoint is not packed.
#
# Needs gan_jax's sources, and a Python ($PYTHON, or python3) with JAX, Flax, optax, jaxtyping and PyTorch, no network;
# without PyTorch the table says so, and its parts fail but for the CPU beside the GPU. `train` needs what gan_jax needs,
# but for tyro and tensorflow-datasets.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
export PYTHONPATH=${here%/*}:$here${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1

usage() {
    sed -n '4,6s/^# *//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

(($#)) && [[ $1 != -* ]] || usage
folder=$1 minutes= pack= rehearse= names=() training=()
shift
while (($#)); do
    case $1 in
        --minutes) minutes=${2:-} && shift ;;
        --pack) pack=yes ;;
        --rehearse) rehearse=yes ;;
        checks | times | layers | together) names+=("$1") ;;
        train) training=("${@:2}") && ((${#training[@]} >= 2)) && break || usage ;;
        *) usage ;;
    esac
    shift
done
[[ ${minutes:=$((${#training[@]} ? 10 : 20))} =~ ^[0-9]+$ ]] || usage
((${#names[@]})) || names=(checks layers times)
mkdir -p "$folder" || exit 2
folder=$(cd "$folder" && pwd)
table=$folder/table.md log=$folder/log.txt
deadline=$((SECONDS + 60 * minutes)) failed=0

# part NAME SECONDS COMMAND...: adds the rows that a command prints to the table, or says that it failed.
part() {
    local name=$1 limit=$((patience * $2)) left=$((deadline - SECONDS)) begun=$SECONDS why status
    shift 2
    if ((left < 10)); then
        echo "| $name | | not begun: the time was up | | | |" >>"$table"
        return
    fi
    echo "== $name: $*" >>"$log"
    timeout --kill-after=20 $((limit < left ? limit : left)) "$@" >>"$table" 2>>"$log"
    status=$?
    echo "$name: $((SECONDS - begun)) s" | tee -a "$log"
    ((status)) || return 0
    why="exit code $status, see log.txt"
    ((status == 124 || status == 137)) && why="stopped after $((SECONDS - begun)) s"
    echo "| $name | | failed: $why | | | |" >>"$table"
    return 1
}

# script NAME: the script that a network is compared by.
script() {
    [[ $1 == dcgan ]] && echo train_step.py || echo models.py
}

bench() { # NAME SECONDS SCRIPT OPTION...
    part "$1" "$2" "$python" "$here/$3" --rows "${@:4}"
}

patience=1 networks=(dcgan sngan stylegan2 r3gan gat gat-b2) models=() convolved=(R3GAN StyleGAN2 DCGAN)
size=(--rounds 1 --seconds 5) repeats=(--rounds 1 --formulations)
if [[ $rehearse ]]; then
    patience=4 networks=(sngan r3gan gat) models=(dcgan r3gan) convolved=(article)
    size=(--rounds 1 --seconds 1 --width-divisor 32 --batch 4) repeats=(--rounds 1 --repeats 1 --batch 2)
    export XLA_FLAGS="--xla_backend_optimization_level=0 ${XLA_FLAGS:-}"
fi

checks() { # all at once: nothing is timed
    local started=() one
    export XLA_PYTHON_CLIENT_PREALLOCATE=false
    for network in "${networks[@]}"; do
        bench "sides agree: $network" 300 "$(script "$network")" "$network" --only agreement "${size[@]}" &
        started+=($!)
    done
    bench "backends agree" 400 backends.py "${models[@]}" &
    for one in "${started[@]}" $!; do wait "$one" || failed=1; done
    unset XLA_PYTHON_CLIENT_PREALLOCATE
}

steps() { # SECONDS "NETWORK ..." OPTION...
    for network in $2; do
        bench "times: $network" "$1" "$(script "$network")" "$network" --only times "${size[@]}" "${@:3}" || failed=1
    done
}

times() {
    if [[ $rehearse ]]; then
        steps 240 r3gan --precision bfloat16 --eager-only
        together
        return
    fi
    steps 420 "${networks[*]}" --precision tf32 bfloat16
    steps 240 "${networks[*]}" --precision float32 --eager-only # nobody compiles for float32 without TF32
}

together() {
    local sides=(sngan stylegan2 r3gan gat) wait=270 options=(--batch 64 --precision bfloat16 --rounds 2 --seconds 3)
    [[ $rehearse ]] && sides=(sngan gat) options=(--eager-only "${size[@]}")
    bench "times, together" 600 models.py "${sides[@]}" --only times --together "$wait" "${options[@]}" || failed=1
}

layers() {
    for network in "${convolved[@]}"; do
        bench "layers of $network" 150 layers.py --only "$network" --precision bfloat16 "${repeats[@]}" || failed=1
    done
}

train() { # RECIPE DATA KEY=VALUE...
    local recipe=$1
    export GAN_JAX_CACHE=$folder/cache
    if [[ ! -e $folder/$recipe ]] && compgen -G "$folder/$recipe.tar.*" >/dev/null; then
        cat "$folder/$recipe".tar.* | tar -xC "$folder" || exit 1
    fi
    # Saving and packing need some time of their own.
    local seconds=$((60 * minutes - 45))
    part "$recipe" $((seconds + 40)) "$python" "$here/quality.py" --seconds "$seconds" "$folder/$recipe" "$@" || failed=1
    if [[ $pack && -e $folder/$recipe ]]; then
        rm -f "$folder/$recipe".tar.*
        (cd "$folder" && tar -c --exclude="$recipe/best" "$recipe" cache | split -b 15M -d - "$recipe.tar.") &&
            rm -r "${folder:?}/$recipe" "$folder/cache"
    fi
}

if [[ ! -s $table ]]; then
    # Rows without their head are no table: neither waits for the other.
    { "$python" "$here/machine.py"; "$python" -c 'import comparison; print(comparison.HEAD)'; } >"$table" 2>>"$log"
fi
if ((${#training[@]})); then
    train "${training[@]}"
else
    for name in "${names[@]}"; do "$name"; done
fi
cat "$table"
exit $failed
