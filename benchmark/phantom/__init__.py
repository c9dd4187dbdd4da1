"""The phantom: short-axis cardiac MR stacks from a formula, in the challenges' raw layouts.

It shows that the software works from raw files to scores; it says nothing about real hearts.

A subject is a body (fat, chest wall, lungs, abdomen, vessels) around a heart: a left ventricle that
tapers from base to apex inside its myocardium, and a right ventricle on its septal side. Every
outline is a closed curve with a signed distance in millimetres, negative inside. A label is the
sign of this distance at the pixel's centre; images blend tissues over one pixel across the curve,
like partial volume. Coordinates are millimetres from the centre of the image, x to the right and y
downward when the first array axis is shown from left to right.

The sites differ only in the appearance parameters of `benchmark.phantom.site`; anatomies have the
same distribution.
"""
