"""Masks from process to process: pools, forks, shared memory, joblib and PyTorch's DataLoader."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from support import paths

import segcore as sc

PAGE = paths.ROOT / "docs" / "parallel.md"


def noise():
    """Make masks on which the native kernels use several threads."""
    return sc.Masks.from_dense(np.random.default_rng(0).random((16, 120, 200)) < 0.5)


def run(code, *arguments, warnings="error", folder=None):
    command = [sys.executable, "-W", warnings, *arguments]
    command += ["-c", code] if code else []
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=folder
    )


@pytest.mark.parametrize("method", sorted({*multiprocessing.get_all_start_methods()} - {"fork"}))
def test_a_pool(method):
    masks = noise()
    parts = [masks[:8], masks[8:]]
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        moved = list(pool.map(sc.Masks.union, parts))
    assert moved == [each.union() for each in parts]


def test_pickles_are_small():
    masks = sc.Masks.from_boxes([[0, 0, 9, 9]] * 100, (1080, 1920))
    assert len(pickle.dumps(masks)) < 10_000


AFTER_USE = """
import os
import numpy as np
import segcore as sc

sc.set_num_threads(2)
masks = sc.Masks.from_dense(np.random.default_rng(0).random((16, 120, 200)) < 0.5)
expected = sc.iou(masks, masks)
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        again = sc.Masks.from_dense(masks.to_dense())
        same = again == masks and np.array_equal(sc.iou(again, masks), expected)
        os._exit(0 if same else 1)
    children.append(child)
ends = [os.waitpid(child, 0)[1] for child in children]
assert np.array_equal(sc.iou(masks, masks), expected)
print(*ends)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_fork_after_use():
    # From 3.12 on Python warns of forks where there are threads, which is what this is about.
    done = run(AFTER_USE, warnings="default")
    assert done.stdout.split() == ["0"] * 4, done.stderr


def recipe(name="shared_masks.py"):
    [script] = re.findall(rf'```python title="{name}"\n(.*?)```', PAGE.read_text(), re.S)
    return script


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are not here")
def test_the_recipe_for_several_cores(tmp_path):
    script = tmp_path / "count_pixels.py"
    script.write_text(recipe("count_pixels.py"))
    done = run(None, str(script), folder=tmp_path)
    assert done.stdout.split() == ["15", "5", "0.0", "5"], done.stderr


@pytest.mark.skipif(not PAGE.exists(), reason="the documents are not here")
class TestSharedMemory:
    def test_the_recipe(self, tmp_path):
        script = tmp_path / "shared_masks.py"
        script.write_text(recipe())
        done = run(None, str(script))
        expected = sum(4 * i + 4 * i - min(i, 4) ** 2 for i in range(50))
        assert done.stdout.split() == [str(expected)], done.stderr
        assert not done.stderr

    @pytest.mark.skipif("segcore._native" not in sys.modules, reason="only compiled code seals")
    def test_it_copies_nothing(self):
        functions = {"__name__": "recipe"}
        exec(recipe(), functions)
        masks = noise()
        memory, shared = functions["share"](masks)
        other, loaded = functions["load"](*shared)
        try:
            assert loaded == masks
            whole = np.frombuffer(other.buf, np.uint8)
            assert np.shares_memory(loaded.run_ends, whole)
            assert np.shares_memory(loaded.offsets, whole)
            assert not loaded.run_ends.flags.writeable
        finally:
            del loaded, whole
            other.close()
            memory.close()
            memory.unlink()


def test_joblib():
    joblib = pytest.importorskip("joblib")
    masks = noise()
    parts = [masks[:8], masks[8:]]
    moved = joblib.Parallel(n_jobs=2)(joblib.delayed(sc.Masks.union)(each) for each in parts)
    assert moved == [each.union() for each in parts]


def test_a_dataloader():
    pytest.importorskip("torch")
    done = run(
        """
import segcore as sc
from torch.utils.data import DataLoader

rooms = [sc.Masks.from_boxes([[0, 0, i + 1, 2]] * (i + 1), (8, 9)) for i in range(6)]

if __name__ == "__main__":
    for workers in (0, 2):
        loader = DataLoader(rooms, batch_size=3, num_workers=workers, collate_fn=list)
        assert [mask for batch in loader for mask in batch] == rooms
    print("loaded")
""",
        warnings="default",
    )
    assert done.stdout.split() == ["loaded"], done.stderr


FORK_IN_HANDLER = """
import os
import signal
import numpy as np
import segcore as sc

FORKS = 4
sc.set_num_threads(4)
rng = np.random.default_rng(0)
corners = rng.random((3000, 2)) * 50
boxes = sc.Masks.from_boxes(np.hstack([corners, corners + 50]), (100, 100))
calls = [
    lambda: sc.iou(boxes, boxes[:500]),
    lambda: (boxes ^ boxes[0]).area,
    lambda: boxes.to_dense().sum(axis=(1, 2)),
    lambda: sc.dilate(boxes, 9).area,
]
expected = [call() for call in calls]
children = []
is_child = False

def fork(number, frame):
    global is_child
    child = os.fork()
    if child == 0:
        is_child = True
        sc.iou(boxes[:100], boxes)  # within the call that the signal interrupted
        return
    children.append(child)
    if len(children) < FORKS:
        signal.setitimer(signal.ITIMER_REAL, 0.1)

signal.signal(signal.SIGALRM, fork)
signal.setitimer(signal.ITIMER_REAL, 0.01)
while len(children) < FORKS and not is_child:
    same = all(np.array_equal(call(), wanted) for call, wanted in zip(calls, expected))
    if not same:
        break
if is_child:
    same = same and np.array_equal(calls[0](), expected[0])
    os._exit(0 if same else 1)
print(same, *(os.waitpid(child, 0)[1] for child in children))
"""

FORK_IN_A_THREAD = """
import os
import threading
import numpy as np
import segcore as sc

sc.set_num_threads(4)
masks = sc.Masks.from_dense(np.random.default_rng(0).random((64, 200, 200)) < 0.5)
expected = sc.iou(masks, masks)
statuses = []

def fork():
    for _ in range(4):
        child = os.fork()
        if child == 0:
            os._exit(0 if np.array_equal(sc.iou(masks, masks), expected) else 1)
        statuses.append(os.waitpid(child, 0)[1])

forking = threading.Thread(target=fork)
forking.start()
same = True
while forking.is_alive():
    same = same and np.array_equal(sc.iou(masks, masks), expected)
print(same, *statuses)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("code", [FORK_IN_HANDLER, FORK_IN_A_THREAD], ids=["handler", "thread"])
def test_fork_while_a_kernel_runs(code):
    done = run(code, warnings="ignore")
    same, *statuses = done.stdout.split()
    assert same == "True", done.stderr
    assert statuses == ["0"] * 4
