"""The whole product, running, with a month of business played through it from outside.

Nothing here is imported by the product. What the demo does, it does as people and vendors would:
over HTTP, in the admin, in the connect pages, and in the simulators' own pages and controls.
"""
