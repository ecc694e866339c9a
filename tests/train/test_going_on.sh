# What a training survives that a user can see: signals, a full disk, damaged checkpoints, data that vanish, another training in
# the same folder, an output that nobody reads. Each has its message, and after each the training goes on to the same bits.
set -eu
. tests/expect.sh
. tests/train/faults.sh
sed -e '/schedule\|stop/d' -e 's/epochs 4/epochs 1000000/; s/every=2 steps/every=50 steps/; s/at_most=10%/at_most=50%/' tiny.cnn >long.cnn
expect 0 'kernels in' "$CNNC" build long.cnn -o long
expect 0 'run folder whole' ./tiny --out whole

# goes_on FOLDER MESSAGE: to the bits of the training that nothing happened to.
goes_on() {
    expect 0 "goes on in $1 after step" ./tiny --resume="$1"
    same "$1/last.safetensors" whole/last.safetensors "$2"
    same "$1/best.safetensors" whole/best.safetensors "$2, the best"
}

# begin NAME [COMMAND…]: a long training in the background, until it has a checkpoint.
begin() {
    local name=$1
    shift
    "$@" ./long --out "$name" >"$name.out" 2>&1 </dev/null &
    process=$!
    until_there "$name/events.jsonl" '"event": "checkpoint"'
}

# ends STATUS TEXT: so does the training that was begun.
ends() {
    code=0
    wait $process 2>/dev/null || code=$?
    [ $code = "$1" ] && grep -qF -- "$2" ./*.out || wrong "exit code $code, expected $1 with \"$2\": $(cat ./*.out)"
    rm -f ./*.out
}

# ---- Signals ----
for signal in INT TERM HUP; do
    begin stopped
    kill -$signal $process
    [ $signal = INT ] && what=Ctrl-C || what='a signal'
    ends 130 "stopped by $what after step"
    step=$(sed -n 's/.*"event": "checkpoint".*"step": \([0-9]*\),.*/\1/p' stopped/events.jsonl | tail -n 1)
    tail -n 1 stopped/events.jsonl | grep -q "\"event\": \"end\".*\"step\": $step, \"status\": 130" || wrong "$signal: no end in events.jsonl"
    [ -e "stopped/checkpoint-$step.safetensors" ] || wrong "$signal: no checkpoint"
    expect 0 "goes on in stopped after step $step of" ./long --resume=stopped --steps $((step + 7)) --threads 3
    expect 0 'run folder straight' ./long --out straight --steps $((step + 7)) --threads 1
    same stopped/last.safetensors straight/last.safetensors "after $signal"
    rm -r stopped straight
done
begin stopped env LD_PRELOAD="$library" FAIL_CALL=fsync FAIL_WITH=slow FAIL_AT=2 FAIL_EVER=1 FAIL_PATH=stopped/checkpoint
kill -INT $process
sleep 0.2
kill -0 $process 2>/dev/null || wrong 'it does not wait for a disk that is slow'
kill -INT $process
for i in $(seq 100); do
    kill -0 $process 2>/dev/null || break
    sleep 0.01
done
! kill -0 $process 2>/dev/null || wrong 'a second Ctrl-C does not end it at once'
ends 130 ''
expect 0 'goes on in stopped after step' ./long --resume=stopped --steps 300
[ -z "$(ls stopped/*.tmp 2>/dev/null)" ] || wrong "left behind: $(ls stopped)"
rm -r stopped

# ---- Two trainings ----
begin busy
expect 3 "another training runs in 'busy' (process $process)" ./long --resume=busy
expect 2 "the folder 'busy' is not empty; --resume=busy goes on with the training in it" ./long --out busy
kill -KILL $process
ends 137 ''
expect 0 'goes on in busy' ./long --resume=busy --steps 300
rm -r busy

# ---- Damaged checkpoints ----
python3 - <<'EOF'
import os, random, re, shutil, subprocess, sys
chance = random.Random(7)
newest, older = "whole/checkpoint-12.safetensors", "whole/checkpoint-10.safetensors"
whole = open(newest, "rb").read()
damages = [("empty", b""), ("cut", whole[:len(whole) // 2]), ("cut by a byte", whole[:-1]), ("longer", whole + b"\0")]
for i in range(60):
    # Half of them in the header, where the numbers of the training stand.
    at = chance.randrange(8 * (len(whole) if i % 2 else int.from_bytes(whole[:8], "little")))
    damages.append((f"bit {at} flipped", whole[:at // 8] + bytes([whole[at // 8] ^ 1 << at % 8]) + whole[at // 8 + 1:]))
for name, data in damages:
    shutil.copytree("whole", "damaged")
    open(newest.replace("whole", "damaged"), "wb").write(data)
    run = subprocess.run(["./tiny", "--resume=damaged"], capture_output=True, text=True)
    said = re.search(r"'damaged/checkpoint-12.safetensors'[^\n]*\ngoes on in damaged after step 10 of 12", run.stdout)
    same = open("damaged/last.safetensors", "rb").read() == open("whole/last.safetensors", "rb").read()
    if run.returncode or not said or not same:
        sys.exit(f"WRONG: a checkpoint that is {name}: {run.returncode}, same weights: {same}: {run.stdout}{run.stderr}")
    shutil.rmtree("damaged")
EOF
cp -r whole damaged
for file in damaged/checkpoint-*; do truncate -s 20 "$file"; done
expect 1 "no checkpoint in 'damaged' can be read: 'damaged/checkpoint-12.safetensors' is not a sound safetensors file" ./tiny --resume=damaged
rm damaged/checkpoint-*
expect 1 "there is no checkpoint in 'damaged': the training ended before the first was written" ./tiny --resume=damaged
expect 2 "--resume: there is no folder 'nowhere'" ./tiny --resume=nowhere
rm -r damaged

# ---- Another model, other data ----
cp -r whole changed
sed 's/rate=0.05/rate=0.02/' tiny.cnn >other.cnn
expect 1 "'changed' cannot be gone on with, the model has changed:" "$CNNC" run other.cnn --resume=changed
grep -q '^  - .*rate=0.05' "$answer" && grep -q '^  + .*rate=0.02' "$answer" || wrong "the difference is not shown: $(cat "$answer")"
grep -qF -- '--anyway takes over what fits, and goes on' "$answer" || wrong 'nothing is said of --anyway'
same changed/last.safetensors whole/last.safetensors 'what was refused has changed something'
expect 1 "'changed' cannot be gone on with: batch was 6, and is 4 now" ./tiny --resume=changed --batch 4
expect 0 'goes on in changed after step 12' "$CNNC" run other.cnn --resume=changed --anyway
grep -q 'rate=0.02' changed/resolved.cnn || wrong 'resolved.cnn is that of the model before'
rm -r changed
cp -r whole changed
mv pictures/0/00.png away.png
expect 1 "'changed' cannot be gone on with, the data have changed:" ./tiny --resume=changed
mv away.png pictures/0/00.png
goes_on changed 'data that are as they were'
rm -r changed

# ---- Nobody listens ----
for way in '>&-' '>/dev/full' '| true' '>&- 2>&- <&-'; do
    code=0
    bash -c "set -o pipefail; ./tiny --out unheard 2>errors $way" || code=$?
    [ $code = 0 ] || [ $code = 3 ] || wrong "$way: exit code $code: $(cat errors)"
    same unheard/last.safetensors whole/last.safetensors "$way"
    goes_on unheard "$way"
    rm -r unheard
done
bash -c 'exec ./tiny --out unheard >/dev/full' 2>errors && wrong '/dev/full: exit code 0'
grep -q 'error: what was to be said could not be written' errors || wrong "/dev/full: $(cat errors)"
rm -r unheard
expect 0 'run folder homeless' env -i ./tiny --out homeless
same homeless/last.safetensors whole/last.safetensors 'no HOME'

# ---- A disk without room ----
# A limit of the size of files leaves room for the weights, not for the optimizer's state.
last=$(stat -c %s whole/last.safetensors) all=$(stat -c %s whole/checkpoint-12.safetensors)
kib=$(((last + 1023) / 1024))
[ $((kib * 1024)) -lt "$all" ] || wrong "no limit lies between $last and $all bytes"
train bash -c "(ulimit -f $kib && exec ./tiny --out limited) 2>&1 | cat; exit \${PIPESTATUS[0]}"
[ $code = 3 ] || wrong "a limit of the size of files: exit code $code"
says "warning: cannot write 'limited/checkpoint-2.safetensors': File too large; the training goes on, it has no checkpoint yet" 'the warning'
says "error: the training ended after step 12, but cannot write 'limited/checkpoint-12.safetensors': File too large; there is no checkpoint" 'the end'
same limited/last.safetensors whole/last.safetensors 'a limit of the size of files'
[ -z "$(ls limited/*.tmp 2>/dev/null)" ] || wrong "left behind: $(ls limited)"

train bash -c "(ulimit -f $kib && exec ./tiny --quiet --out silent) 2>&1 | cat; exit \${PIPESTATUS[0]}"
says "warning: cannot write 'silent/checkpoint-2.safetensors': File too large" 'the warning with --quiet'

# A disk of its own, where one may be mounted: filled while it trains, then emptied.
cat >disk.sh <<'EOF'
set -e
mount -t tmpfs -o size=192k none disk
"$1" --out disk/run >out 2>&1 &
process=$!
for i in $(seq 2000); do grep -qs '"event": "checkpoint"' disk/run/events.jsonl && break; sleep 0.01; done
cp -r disk/run before
dd if=/dev/zero of=disk/filler bs=1k count=1000 2>/dev/null || true
for i in $(seq 2000); do grep -q 'warning: .*No space left on device; the training goes on, its newest checkpoint is of step' out && break; sleep 0.01; done
kill -INT $process
code=0
wait $process || code=$?
echo "code $code" >>out
ls disk/run/*.tmp >>out 2>/dev/null && echo 'left behind' >>out
"$1" --resume=disk/run --steps 3 >full.out 2>&1 && echo 'code 0' >>full.out
rm disk/filler
"$1" --resume=disk/run --steps 3 >again.out 2>&1 || echo "again $?" >>again.out
mount -o remount,ro disk
"$1" --out disk/other >readonly.out 2>&1 && echo 'code 0' >>readonly.out
"$1" --resume=disk/run >>readonly.out 2>&1 && echo 'code 0' >>readonly.out
exit 0
EOF
mkdir disk
if unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none disk' 2>/dev/null; then
    unshare --user --map-root-user --mount bash disk.sh ./long || wrong 'the disk cannot be used'
    grep -q 'error: stopped by Ctrl-C after step [0-9]*, but cannot write .*: No space left on device; the newest checkpoint is of step' out ||
        wrong "a full disk, the end: $(tail -n 3 out)"
    grep -q '^code 3' out || wrong "a full disk: $(tail -n 3 out)"
    ! grep -q 'left behind' out || wrong 'a full disk: a temporary file is left'
    grep -q 'No space left on device' full.out && ! grep -q '^code 0' full.out || wrong "going on, on a full disk: $(tail -n 3 full.out)"
    grep -q 'goes on in disk/run after step' again.out && ! grep -q '^again' again.out || wrong "a disk with room again: $(cat again.out)"
    grep -q "cannot make the run folder 'disk/other': Read-only file system" readonly.out || wrong "read-only: $(cat readonly.out)"
    grep -q "cannot write 'disk/run/lock': Read-only file system" readonly.out || wrong "read-only, going on: $(cat readonly.out)"
    ! grep -q '^code 0' readonly.out || wrong 'read-only: exit code 0'
else
    echo 'no disk can be mounted here: only the limit of the size of files was tried'
fi

# ---- Data that change while they are read ----
# Some are left out, as 'bad' says, and named at the end; all are the end.
begin vanished
rm pictures/0/01.png
: >pictures/0/02.png
lines=$(grep -c '"event": "epoch"' vanished/events.jsonl)
for i in $(seq 2000); do
    [ "$(grep -c '"event": "epoch"' vanished/events.jsonl)" -ge $((lines + 3)) ] && break
    sleep 0.01
done
kill -INT $process
ends 130 'pictures/0/01.png: cannot open: No such file or directory'
rm -r vanished
rm -rf pictures
python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import training; training.make_model(".")' "$top/tests/faults"
begin vanished
rm -r pictures
ends 1 "more than the 50% that 'bad' allows; the first: "
tail -n 1 vanished/events.jsonl | grep -q '"event": "end".*"status": 1' || wrong "no end: $(tail -n 1 vanished/events.jsonl)"
train ./long --resume=vanished
[ $code = 1 ] || wrong "data that are gone: exit code $code"
says pictures 'data that are gone'
exit $failed
