"""CVAT's XML for images."""

import time

import numpy as np
import pytest
from support.formats import check_round_trip, document, sample, small

import segcore as sc


@pytest.mark.parametrize("name", ["coco", "lvis", "taco", "panoptic"])
def test_real_data_keep_every_pixel(name, tmp_path):
    report, back = check_round_trip(sample(name), tmp_path, "cvat", "annotations.xml")
    assert not report.gained.any()
    assert not report.lost.any()
    assert not report.dropped
    assert not back.notes


def test_all_forms_of_masks(tmp_path):
    report, back = check_round_trip(small(), tmp_path, "cvat", "a.xml")
    assert report.unwritten == {"iscrowd flags": 1, "category ids": 2}
    original = small().annotations["segmentation"]
    segmentation = back.annotations["segmentation"]
    assert [segmentation.value(row) for row in (0, 1, 4)] == [
        original.value(row) for row in (0, 1, 4)
    ]
    assert back.categories["name"].tolist() == ["cup", "café, größer"]


def test_boxes_alone_are_kept(tmp_path):
    annotation = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2.5, 3, 4]}
    dataset = sc.data.from_coco(document(annotations=[annotation]))
    report = sc.data.write(dataset, tmp_path / "a.xml", "cvat")
    assert report.annotations == 1
    assert sc.data.read(tmp_path / "a.xml").annotations["bbox"].tolist() == [[1, 2.5, 3, 4]]


def file(tmp_path, shapes, head="", image='id="0" name="a/b.jpg" width="16" height="12"'):
    path = tmp_path / "annotations.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>\n{head}<annotations>\n<version>1.1</version>\n'
        "<meta><job><id>1</id><labels>\n<label><name>cat</name><color>#fa3253</color><type>any"
        "</type><attributes><attribute><name>age</name></attribute></attributes></label>\n"
        "<label><name>a &amp; &#98;</name></label></labels></job></meta>\n"
        f"<image {image}>\n{shapes}\n</image>\n</annotations>\n"
    )
    return path


SHAPES = """
<box label="cat" source="manual" occluded="0" xtl="1.5" ytl="2" xbr="4" ybr="6" z_order="0"></box>
<polygon label="a &amp; b" source="manual" occluded="0" points="0.00,0.00;4.00,0.00;4.00,4.00"
 z_order="0"><attribute name="age">3</attribute></polygon>
<mask label="cat" source="semi-auto" occluded="0" rle="1, 2, 1, 2" left="5" top="6" width="3"
 height="2" z_order="0"></mask>
<polygon label="cat" points="0,0;1,0;1,1" group_id="4"/>
<polygon label="cat" points="5,5;7,5;7,7" group_id="4"/>
<mask label="cat" rle="0, 1" left="15" top="11" width="1" height="1" group_id="4"/>
<ellipse label="cat" cx="1" cy="1" rx="1" ry="1"/>
<ellipse label="cat" cx="1" cy="1" rx="1" ry="1"/>
<tag label="cat"/>
"""


def test_shapes(tmp_path):
    path = file(tmp_path, SHAPES)
    for source in (path, tmp_path):
        dataset = sc.data.read(source)
        assert dataset.categories["name"].tolist() == ["cat", "a & b"]
        assert dataset.images["file_name"].tolist() == ["a/b.jpg"]
        assert dataset.annotations["category"].tolist() == [0, 1, 0, 0]
        assert dataset.annotations["bbox"][0].tolist() == [1.5, 2, 2.5, 4]
        masks = dataset.select([1, 2, 3])[0].masks.to_dense()
        assert (masks[1, 6:8, 5:8] == [[0, 1, 1], [0, 1, 1]]).all()
        assert masks[1].sum() == 4
        assert masks[2, 11, 15]
        assert len(dataset.notes) == 2
        assert dataset.notes[0].startswith("2 shapes <ellipse>, which are not masks, the first: ")
        assert dataset.notes[0].endswith("line 17, <ellipse>")


def test_runs_go_by_rows(tmp_path):
    rng = np.random.default_rng(1)
    mask = rng.random((12, 16)) < 0.4
    rle = sc.Masks.from_dense(mask).to_coco()[0]
    annotation = {"id": 1, "image_id": 1, "category_id": 3, "segmentation": rle}
    dataset = sc.data.from_coco(document(annotations=[annotation]))
    sc.data.write(dataset, tmp_path / "a.xml", "cvat")
    text = (tmp_path / "a.xml").read_text()
    runs = np.array(text.split('rle="')[1].split('"')[0].split(", "), int)
    values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    y, x = np.nonzero(mask)
    crop = mask[y.min() : y.max() + 1, x.min() : x.max() + 1]
    assert (values == crop.ravel()).all()


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ('<polygon points="0,0;1,0;1,1"/>', 'expected the attribute "label"'),
        ('<polygon label="cat"/>', 'expected the attribute "points"'),
        ('<polygon label="cat" points=""/>', 'points: expected "x,y;x,y;..."'),
        ('<polygon label="cat" points="0,0;1,0"/>', "expected at least 3 points, got 2"),
        ('<polygon label="cat" points="0,0,1;0,1,1"/>', 'points: expected "x,y;x,y;..."'),
        ('<polygon label="cat" points="0,0;1,0;1,x"/>', "expected a number, got 'x'"),
        ('<polygon label="cat" points="0,0;1,0;1,1e99"/>', "expected finite coordinates"),
        (
            '<polygon label="cat" points="0,0;1,0;1,1" group_id="x"/>',
            "group_id: expected an integer",
        ),
        ('<box label="cat" xtl="1" ytl="2" xbr="4"/>', 'expected the attribute "ybr"'),
        ('<box label="cat" xtl="1" ytl="2" xbr="4" ybr="6" rotation="30"/>', "rotation: expected"),
        (
            '<mask label="cat" rle="1" left="0" top="0" width="1"/>',
            'expected the attribute "height"',
        ),
        ('<mask label="cat" rle="9" left="0" top="0" width="1" height="1"/>', "rle: "),
        ('<mask label="cat" rle="a" left="0" top="0" width="1" height="1"/>', "rle: expected run"),
        (
            '<mask label="cat" rle="1" left="16" top="0" width="1" height="1"/>',
            "expected a box within",
        ),
        (
            '<mask label="cat" rle="0" left="0" top="0" width="0" height="9"/>',
            "expected a box within",
        ),
        (
            '<mask label="cat" rle="1" left="0" top="0" width="99999999" height="99999999"/>',
            "expected a box within",
        ),
    ],
)
def test_malformed_shapes(shape, message, tmp_path):
    path = file(tmp_path, f'<polygon label="cat" points="0,0;9,0;9,9"/>\n{shape}')
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    element = shape[1:].split(" ")[0]
    assert str(caught.value).startswith(f"{path}: line 9, <{element}>: {message}")
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset.annotations) == len(dataset.skipped) == 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ('name="a.jpg" width="16"', 'line 7, <image>: expected the attribute "height"'),
        ('name="../a.jpg" width="16" height="2"', "line 7, <image>: the file name .*leaves"),
        ('name="/a.jpg" width="16" height="2"', "line 7, <image>: the file name .*absolute"),
        ('name="a.jpg" width="-1" height="2"', "line 7, <image>: width: expected a number"),
        ('name="a.jpg" width="nan" height="2"', "line 7, <image>: width: expected a number"),
        ('name="a.jpg" width="99999999" height="99999999"', "line 7, <image>: size: expected"),
    ],
)
def test_malformed_images(image, message, tmp_path):
    path = file(tmp_path, SHAPES, image=image)
    with pytest.raises(sc.data.DatasetError, match=message):
        sc.data.read(path)
    dataset = sc.data.read(path, invalid="skip")
    assert len(dataset) == len(dataset.annotations) == 0
    assert len(dataset.skipped) == 1


def test_entities_do_not_expand(tmp_path):
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    head = f'<!DOCTYPE annotations [<!ENTITY e0 "lol">{entities}]>\n'
    path = file(tmp_path, '<polygon label="&e11;" points="0,0;9,0;9,9"/>', head)
    begin = time.process_time()
    with pytest.raises(sc.data.DatasetError, match="line 2: expected no document type declaration"):
        sc.data.read(path, "cvat")
    assert time.process_time() - begin < 5


def test_external_entities_are_not_read(tmp_path):
    head = '<!DOCTYPE annotations SYSTEM "file:///etc/passwd">\n'
    with pytest.raises(sc.data.DatasetError, match="expected no document type declaration"):
        sc.data.read(file(tmp_path, SHAPES, head), "cvat")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not XML: no element found"),
        ("<annotations>", "line 1: not XML: no element found"),
        ("<annotations><meta></annotations>", "line 1: not XML: mismatched tag"),
        ("<annotation/>", "expected <annotations>, as CVAT writes it, got <annotation>"),
        ("<annotations><track/></annotations>", "line 1, <track>: expected <original_size>"),
        ("<annotations>" + "<a>" * 100, "its elements are nested too deeply"),
        ("<annotations>&#0;</annotations>", "not XML"),
        ("<annotations>\ud800</annotations>", "not XML"),
    ],
)
def test_malformed_files(text, message, tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(sc.data.DatasetError, match=message):
        sc.data.read(path, "cvat")


def test_xml_of_others_is_named(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<annotation><object/></annotation>")
    with pytest.raises(
        sc.data.DatasetError, match=r"it looks like Pascal VOC's XML, which has boxes"
    ):
        sc.data.read(path)


def video(tmp_path, tracks, meta="", size="<width>16</width><height>12</height>"):
    path = tmp_path / "annotations.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>\n'
        "<id>5</id><name>v</name><size>4</size><mode>interpolation</mode>"
        "<start_frame>10</start_frame><stop_frame>19</stop_frame>"
        "<frame_filter>step=3</frame_filter><labels><label><name>cat</name></label></labels>"
        "<segments><segment><id>3</id><start>0</start><stop>3</stop></segment></segments>"
        f"<original_size>{size}</original_size></task>{meta}<source>v.mp4</source></meta>\n"
        f"{tracks}\n</annotations>\n"
    )
    return path


def shape(frame, points="0,0;4,0;4,4", outside=0, keyframe=1):
    return (
        f'<polygon frame="{frame}" outside="{outside}" occluded="0" keyframe="{keyframe}" '
        f'points="{points}" z_order="0"/>'
    )


TRACKS = f"""
<track id="0" label="cat" source="manual">{shape(10)}{shape(13, "1,1;5,1;5,5", keyframe=0)}
{shape(16, outside=1)}</track>
<track id="7" label="dog" group_id="3">{shape(13)}
<box frame="13" outside="0" occluded="1" keyframe="1" xtl="1" ytl="2" xbr="4" ybr="6"/>
<points frame="13" outside="0" points="1,1"/>{shape(16, outside=1)}</track>
<track id="x" label="cat">
<mask frame="19" outside="0" keyframe="1" rle="0, 2" left="3" top="4" width="2" height="1"/></track>
"""


def test_tracks_of_a_video(tmp_path):
    dataset = sc.data.read(video(tmp_path, TRACKS))
    assert dataset.images["file_name"].tolist() == [
        f"frame_{frame:06}.PNG" for frame in (10, 13, 16, 19)
    ]
    assert [len(image) for image in dataset] == [1, 3, 0, 1]
    assert dataset.categories["name"].tolist() == ["cat", "dog"]
    assert dataset[1].category_ids.tolist() == [1, 2, 2]
    assert dataset[0].masks == sc.Masks.from_polygons([[[0, 0, 4, 0, 4, 4]]], (12, 16))
    assert dataset[1].segmentations.value(0) == [[1, 1, 5, 1, 5, 5]]
    assert dataset.annotations["bbox"][3].tolist() == [1, 2, 3, 4]
    assert dataset[3].masks.to_dense()[0, 4, 3:5].all()
    assert len(dataset.notes) == 1
    assert dataset.notes[0].startswith("1 shapes <points>, which are not masks")
    coco = sc.data.to_coco(dataset)["annotations"]
    assert [annotation["track_id"] for annotation in coco] == [0, 0, 7, 7, "x"]
    again = sc.data.from_coco(sc.data.to_coco(dataset))
    assert sc.data.to_coco(again) == sc.data.to_coco(dataset)


def test_frames_that_are_not_listed_are_counted(tmp_path):
    tracks = f'<track id="0" label="cat">{shape(10)}{shape(19)}</track>'
    dataset = sc.data.read(video(tmp_path, tracks))
    assert [len(image) for image in dataset] == [1, 0, 0, 1]
    assert dataset.notes == (
        "2 frames in which a track goes on without a shape, which is not interpolated, the first: "
        "<track>",
    )
    tracks = f'<track id="0" label="cat">{shape(13)}</track>'
    assert sc.data.read(video(tmp_path, tracks)).notes[0].startswith("2 frames in which a track")


def test_videos_of_a_project(tmp_path):
    meta = (
        "<task><id>6</id><size>2</size><original_size><width>8</width><height>6</height>"
        "</original_size></task>"
    )
    tracks = (
        f'<track id="0" label="cat" task_id="6">{shape(1)}</track>'
        f'<track id="1" label="cat" task_id="5">{shape(19)}</track>'
    )
    dataset = sc.data.read(video(tmp_path, tracks, meta))
    names = dataset.images["file_name"].tolist()
    assert names[:2] == ["task_6/frame_000000.PNG", "task_6/frame_000001.PNG"]
    assert names[-1] == "task_5/frame_000019.PNG"
    assert [image.size for image in dataset] == [(6, 8)] * 2 + [(12, 16)] * 4
    assert not dataset.notes


def test_sizes_of_frames_are_compared(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir()
    image_module.new("L", (16, 13)).save(tmp_path / "images/frame_000010.png")
    with pytest.raises(sc.data.DatasetError, match=r"frame_000010\.png: its size \(13, 16\)"):
        sc.data.read(video(tmp_path, TRACKS))


@pytest.mark.parametrize(
    ("tracks", "options", "message"),
    [
        (
            '<track id="0" label="cat"><box xtl="1"/></track>',
            {},
            "line 4, <box>: expected the attr",
        ),
        (f'<track id="0">{shape(10)}</track>', {}, 'line 4, <polygon>: expected the attribute "la'),
        (TRACKS, {"size": ""}, "<track>: expected <original_size>, the size of the frames"),
        (TRACKS, {"size": "<width>0</width><height>9</height>"}, "<track>: width: expected a numb"),
        (
            '<track id="0" label="cat" task_id="6"/>',
            {
                "meta": "<task><id>6</id><size>9999999</size><original_size><width>8</width>"
                "<height>6</height></original_size></task>"
            },
            "meta: expected at most 1000000 frames",
        ),
        (f'<track label="a">{shape(-1)}</track>', {}, "frame: expected an integer"),
        (f'<track label="a">{shape(10, "1,1")}</track>', {}, "expected at least 3 points"),
    ],
)
def test_malformed_tracks(tracks, options, message, tmp_path):
    path = video(tmp_path, tracks, **options)
    with pytest.raises(sc.data.DatasetError) as caught:
        sc.data.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
