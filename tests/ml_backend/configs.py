"""Labelling configurations that tests share."""

from __future__ import annotations

from ml_backend.label_config import FramesConfig, parse_label_config

BITMASK = """
<View>
  <Image name="frames" valueList="$frames"/>
  <BitmaskLabels name="mask" toName="frames" smart="false">
    <Label value="Cat"/><Label value="Dog"/>
  </BitmaskLabels>
  <KeyPointLabels name="kp" toName="frames" smart="true">
    <Label value="Cat"/><Label value="Dog"/><Label value="Track"/>
  </KeyPointLabels>
  <RectangleLabels name="rect" toName="frames" smart="true">
    <Label value="Cat"/><Label value="Dog"/>
  </RectangleLabels>
</View>
"""

BRUSH = BITMASK.replace("BitmaskLabels", "BrushLabels")

POLYGON = BITMASK.replace("BitmaskLabels", "PolygonLabels")

RECTANGLE = BITMASK.replace("BitmaskLabels", "RectangleLabels")

VIDEO_BOXES = """
<View>
  <Labels name="label" toName="video"><Label value="Cat"/><Label value="Dog"/></Labels>
  <Video name="video" value="$video" frameRate="25"/>
  <VideoRectangle name="box" toName="video" smart="true"/>
</View>
"""

VIDEO_VECTORS = """
<View>
  <Video name="video" value="$video" frameRate="$fps"/>
  <VideoVectorLabels name="outline" toName="video" closable="true">
    <Label value="Cat"/><Label value="Dog"/>
  </VideoVectorLabels>
</View>
"""


def bitmask_config() -> FramesConfig:
    return parse_label_config(BITMASK)


def brush_config() -> FramesConfig:
    return parse_label_config(BRUSH)
