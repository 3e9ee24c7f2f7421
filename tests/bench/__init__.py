"""Benchmarks of a whole box over loopback, beside SIPp, rtpengine and a fixed reference load: `python -m tests.bench`.

`box` starts it, `meter` reads what the kernel says of its processes, one file a subject measures, `table` says what is
wanted. Imports appliance only to size and name things; what is measured is `hako serve` as it is delivered.
"""
