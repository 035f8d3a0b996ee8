"""Data sets part by part: the same answers for any partition, in threads, processes and on Dask."""

from __future__ import annotations

import functools
import json
import operator
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from support.detections import data_set
from support.executors import Pickling
from support.jobs import pixels, slowly
from support.real_data import path as real_path
from support.util import slow

import segcore as sc
from segcore._publish import FolderWriter
from segcore.data import evaluation, mapping, stats
from segcore.data.formats import _parts


@pytest.fixture(scope="module")
def truth():
    """Give 60 images of 0 to 6 annotations, in no order of ids or images."""
    document = {"images": [], "annotations": [], "categories": []}
    for seed in range(20):
        part, _ = data_set(seed)
        for image in part["images"]:
            image |= {"id": 1000 * (seed % 7) + 10_000 * seed + image["id"]}
            document["images"].append(image | {"file_name": f"{image['id']}.jpg"})
        for item in part["annotations"]:
            image_id = 1000 * (seed % 7) + 10_000 * seed + item["image_id"]
            number = len(document["annotations"])
            document["annotations"].append(item | {"id": number, "image_id": image_id})
    document["categories"] = [{"id": n, "name": str(n)} for n in range(50)]
    order = np.random.default_rng(0).permutation(len(document["annotations"]))
    document["annotations"] = [document["annotations"][row] for row in order.tolist()]
    return sc.data.from_coco(document)


@pytest.fixture(scope="module")
def found(truth):
    rng = np.random.default_rng(1)
    results = [
        {**item, "score": float(rng.choice([0.2, 0.2, 0.7, rng.random()]))}
        for item in sc.data.to_coco(truth)["annotations"]
        for _ in range(int(rng.integers(0, 3)))
    ]
    results = [{k: v for k, v in item.items() if k not in ("id", "iscrowd")} for item in results]
    return sc.data.from_coco(results, truth)


def state(metric):
    result = metric.compute()
    return result.stats, result.precision.tobytes(), result.recall.tobytes()


def all_results(truth, found, size=4096, **engine):
    """Return everything that is computed part by part, as values that compare exactly."""
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(stats, "map", functools.partial(mapping.map, annotations=size))
        patched.setattr(evaluation, "ANNOTATIONS", size)
        parts = sc.data.map(truth, pixels, annotations=size, **engine)
        return (
            [image for part in parts for image in part],
            sc.data.statistics(truth, **engine),
            state(sc.data.evaluate(truth, found, **engine)),
        )


@pytest.mark.parametrize("size", [7, 4096, slow(1), slow(64)])
def test_the_partition_does_not_matter(truth, found, size):
    expected = all_results(truth, found, 10**9, workers=1)
    assert all_results(truth, found, size, workers=1) == expected
    with Pickling() as pool:
        assert all_results(truth, found, size, client=pool) == expected
    with ThreadPoolExecutor(7) as pool:
        assert all_results(truth, found, size, client=pool) == expected


def test_two_processes(truth, found):
    expected = all_results(truth, found, workers=1)
    assert all_results(truth, found, 64, workers=2) == expected


@pytest.mark.slow
def test_seven_processes_and_all_cores(truth, found):
    expected = all_results(truth, found, workers=1)
    for workers in (7, None):
        assert all_results(truth, found, 16, workers=workers) == expected


def test_the_order_of_merging_does_not_matter_for_average_precision(truth, found):
    parts = [(truth[[i]], found[[i]]) for i in range(len(truth))]
    expected = state(sc.data.evaluate(truth, found))
    for seed in range(3):
        metric = sc.metrics.AveragePrecision(class_ids=truth.categories["id"])
        for index in np.random.default_rng(seed).permutation(len(parts)).tolist():
            metric.merge(sc.data.evaluate(*parts[index]))
        assert state(metric) == expected


def test_an_accumulator_keeps_its_settings_and_its_images(truth, found):
    half = len(truth) // 2
    metric = sc.metrics.AveragePrecision(thresholds=[0.5, 0.7], class_ids=truth.categories["id"])
    whole = sc.metrics.AveragePrecision(thresholds=[0.5, 0.7], class_ids=truth.categories["id"])
    sc.data.evaluate(truth, found, whole)
    for rows in (slice(half), slice(half, None)):
        assert sc.data.evaluate(truth[rows], found[rows], metric) is metric
    assert state(metric) == state(whole)
    assert len(metric) == len(truth)


def test_parquet_is_sent_as_a_path(truth, found, tmp_path):
    pytest.importorskip("pyarrow")
    expected = all_results(truth, found, workers=1)
    for name, dataset in (("truth", truth), ("found", found)):
        sc.data.write(dataset, tmp_path / f"{name}.parquet")
    lazy = sc.data.read(tmp_path / "truth.parquet")
    results = sc.data.read(tmp_path / "found.parquet", dataset=lazy)
    assert len(pickle.dumps(mapping.Partition(lazy, np.arange(5)))) < 2000
    with Pickling(2) as pool:
        assert all_results(lazy, results, 16, client=pool) == expected


def test_a_partition_is_pickled_without_the_other_images(truth):
    rows = np.array([5, 2])
    part = pickle.loads(pickle.dumps(mapping.Partition(truth, rows))).load()
    assert sc.data.to_coco(part) == sc.data.to_coco(truth[rows])
    assert len(pickle.dumps(mapping.Partition(truth, rows))) < len(pickle.dumps(truth)) / 3


def test_progress_counts_images(truth):
    seen = []
    list(sc.data.map(truth, len, annotations=16, workers=1, progress=lambda *n: seen.append(n)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(truth), len(truth))
    assert len(seen) == len(truth.partitions(16))


def test_errors_name_the_annotation(truth):
    document = sc.data.to_coco(truth)
    document["annotations"][30]["segmentation"] = {"size": [40, 60], "counts": "wrong"}
    broken = sc.data.from_coco(document)
    name = f"annotation {document['annotations'][30]['id']} "
    with Pickling() as pool, pytest.raises(sc.MaskError, match=name):
        list(sc.data.map(broken, pixels, annotations=16, client=pool))
    with pytest.raises(ValueError, match="annotations: expected at least 1"):
        sc.data.map(truth, len, annotations=0)


def test_results_of_unknown_images_are_refused_before_any_work(truth, found):
    with pytest.raises(ValueError, match="are not in the truth"):
        sc.data.evaluate(truth[:3], found, client=object())


def test_functions_that_processes_cannot_import_are_refused(truth):
    with pytest.raises(TypeError, match=r"function: expected one that other .*workers=1 takes any"):
        list(sc.data.map(truth, lambda part: None, annotations=16, workers=2))


def test_other_values_than_data_sets_are_refused(truth, tmp_path):
    for call in (
        lambda: sc.data.map(3, len),
        lambda: sc.data.read("missing.json", dataset=3),
    ):
        with pytest.raises(TypeError, match="dataset: expected a Dataset, got int 3"):
            call()
    with pytest.raises(TypeError, match=r"dataset\[1\]: expected a Dataset, got int 3"):
        sc.data.write([truth, 3], tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="path: expected one or more Parquet files"):
        sc.data.read([])
    with pytest.raises(KeyError, match="no column 'scores'; there are image, category, id"):
        truth.annotations["scores"]


@pytest.mark.slow
def test_real_data_in_processes():
    ds = sc.data.read(real_path("coco"))
    rng = np.random.default_rng(0)
    results = [
        {k: item[k] for k in ("image_id", "category_id", "segmentation")} | {"score": rng.random()}
        for item in sc.data.to_coco(ds.with_rle())["annotations"]
    ]
    found = sc.data.from_coco(results, ds)
    assert all_results(ds, found, 64, workers=2) == all_results(ds, found, workers=1)


# -- Dask -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    """Give a client of two processes on this machine."""
    distributed = pytest.importorskip("distributed")
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(n_workers=2, host="127.0.0.1", **options) as made,
        distributed.Client(made) as client,
    ):
        yield client


DASK = pytest.mark.filterwarnings("ignore:::distributed", "ignore::ResourceWarning")


@DASK
@pytest.mark.slow
def test_a_cluster_gives_the_same(truth, found, cluster):
    expected = all_results(truth, found, workers=1)
    assert all_results(truth, found, 16, client=cluster) == expected


@DASK
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_worker_that_is_killed_changes_nothing(truth, cluster, tmp_path):
    expected = list(sc.data.map(truth, pixels, annotations=16, workers=1))
    job = functools.partial(slowly, str(tmp_path))
    assert list(sc.data.map(truth, job, annotations=16, client=cluster)) == expected
    assert (tmp_path / "killed").exists()


# -- maps ---------------------------------------------------------------------------------------


def maps_of(truth, folder, name, **engine):
    """Write maps. Return all files, and what the report says."""
    pytest.importorskip("PIL")
    report = sc.data.write(truth, folder / "out.json", name, **engine)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    dropped = {(d.reason, d.first): d.rows.tolist() for d in report.dropped}
    counts = report.images, report.annotations, report.unwritten, dropped
    return files, counts, report.gained.tolist(), report.lost.tolist()


@pytest.mark.parametrize("name", ["maps", "coco-panoptic"])
def test_maps_are_written_part_by_part(name, truth, tmp_path, monkeypatch):
    for folder in ("one", "few", "sent"):
        (tmp_path / folder).mkdir()
    expected = maps_of(truth, tmp_path / "one", name)
    assert len(expected[0]) == len(truth) + 1
    assert any(expected[3])
    assert expected[1][3]
    calls = []
    monkeypatch.setattr(_parts, "ANNOTATIONS", 16)
    engine = {"client": Pickling(2), "progress": lambda *numbers: calls.append(numbers)}
    assert maps_of(truth, tmp_path / "few", name, **engine) == expected
    assert calls == [(done + 1, len(truth)) for done in range(len(truth))]
    monkeypatch.setattr(FolderWriter, "_is_here", False)  # as on another machine
    assert maps_of(truth, tmp_path / "sent", name, client=Pickling()) == expected


@pytest.mark.slow
def test_maps_are_the_same_for_any_number_of_processes(truth, tmp_path, monkeypatch):
    monkeypatch.setattr(_parts, "ANNOTATIONS", 16)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    expected = maps_of(truth, tmp_path / "one", "maps")
    assert maps_of(truth, tmp_path / "two", "maps", workers=2) == expected


@pytest.mark.parametrize("workers", [0, 1.5, "2"])
def test_numbers_of_processes_that_are_refused(truth, tmp_path, workers):
    with pytest.raises((TypeError, ValueError), match="workers: expected"):
        sc.data.write(truth, tmp_path / "out", "maps", workers=workers)
    assert not (tmp_path / "out").exists()


# -- commands -------------------------------------------------------------------------------------


@pytest.fixture
def command(truth, found, tmp_path, monkeypatch):
    """Give a function that runs a command in its own folder, and returns all that it wrote."""
    pytest.importorskip("click")
    pytest.importorskip("rich")
    pytest.importorskip("PIL")
    from support.commands import good

    from segcore.data.coco import writing
    from segcore.data.per_image import instance_set

    sc.data.write(truth, tmp_path / "truth.json")
    results = [
        {k: v for k, v in item.items() if k != "id"}
        for item in sc.data.to_coco(found)["annotations"]
    ]
    (tmp_path / "found.json").write_text(json.dumps(results))
    monkeypatch.setattr(instance_set, "IMAGES", 9)
    monkeypatch.setattr(writing, "ROWS", 50)

    def run(name, *options):
        out = tmp_path / name
        out.mkdir()
        monkeypatch.chdir(out)
        report = ("--json", "report.json", *options)
        printed = [
            good("semantic", "../truth.json", "-o", "maps", *report).output,
            good("panoptic", "../truth.json", "-o", "panoptic", *report).output,
            good("labels", "maps", "-o", "labels.json", "--components", "8", *report).output,
            good("stats", "../truth.json", "--json", "stats.json", *options).output,
            good("convert", "../truth.json", "copy.json", "--json", "c.json", *options).output,
            good("evaluate", "semantic", "maps", "maps", "--json", "s.json", *options).output,
            good("evaluate", "panoptic", "panoptic/panoptic.json", "../truth.json", "--json",
                 "p.json", *options).output,
            good("evaluate", "instances", "../truth.json", "../found.json", "--json", "i.json",
                 *options).output,
        ]  # fmt: skip
        files = {
            path.relative_to(out).as_posix(): path.read_bytes()
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }
        return printed, files

    return run


@pytest.mark.slow
def test_commands_write_the_same_for_any_number_of_processes(command):
    expected = command("one", "--workers", "1")
    assert len(expected[1]) > 100
    assert command("two", "--workers", "2") == expected


@DASK
@pytest.mark.slow
def test_commands_write_the_same_on_a_cluster(command, cluster):
    _, expected = command("one", "--workers", "1")
    _, files = command("dask", "--dask", cluster.scheduler.address)  # prints absolute paths
    assert files == expected


def test_sums_of_counts():
    counts = [stats._Counts(2) for _ in range(3)]
    for index, part in enumerate(counts):
        part.runs_per_mask.update([index] * 3)
    total = functools.reduce(operator.iadd, counts)
    categories = sc.data.from_coco({"images": [], "annotations": []}).categories
    found = total.statistics(categories)
    assert found.runs_per_mask == stats.Distribution(0, 1.0, 1.0, 2)
    assert found.objects_per_image == stats.Distribution(0, 0.0, 0.0, 0)
