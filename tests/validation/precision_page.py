#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/validation-precision.md from what the tests of precision print.

    precision_page.py FOLDER_OF_TESTS [--check PAGE]      the page on stdout, or compared with PAGE
"""
import pathlib
import subprocess
import sys

PAGE = """# Precision: what was checked against what

Made by `tests/validation/precision_page.py build/release/tests > docs/validation-precision.md`; a test compares the two.

## Laws of quality

`models/laws/quality_law.h`, "Scaling Laws for Precision" (arXiv 2411.04330). Reproduced by `tests/unit/test_quality.c`: 7.0 bits
are the best to train in, whatever the budget (the paper: "around 7-8"); below 4 bits a model must be more than 4 times
as large; over-trained models want more bits (13.8, 11.0 and 9.0 for Llama 3 8B, 70B and 405B); D_crit of the 30 M model in
int3 lies between the points where the paper's figure falls and rises. The fits' offsets (appendix K) are kept: without
them the optimum is at 3.5 bits.

```
{quality}
```

The law knows bits of integers with a scale a channel. It does not tell fp8 from int8, a block of 128 from a row, GPTQ
from rounding, and was fitted on models of 30 to 220 million parameters (tried on 1.7 billion): the summary says when it is
extrapolated. Activations and KV cache narrowed after training are priced as if trained so. Where formats are mixed, each
class counts by its parameters, which is ours, not the paper's. Super weights and accuracies by block size (arXiv 2411.07191) are
data of the models' files; accuracies are interpolated between measured block sizes and never beyond them.

## FP8-LM, Table 5 (arXiv 2310.18313v2)

32 and 128 H100s. These are figures of a stack calibrated on the table, not a validation of it: `megatron-2023.yaml`'s three
constants come from two rows (7B and 175B in bf16) and were chosen among a few with all 12 in view; the vocabulary is inferred
from one (7B in fp8). What FP8-LM does beside products is counted in its authors' code (MS-AMP): an 8-bit gradient is added to
by six kernels that move 20 bytes a parameter and micro-batch, and where sequences are split over tensor ranks the fp8 copy is
gathered. With these, one sequence a micro-batch of 175B (27.1 a second, fewer than Transformer Engine's 28.7) is met within
6 %, where counting products alone gave +16 %.

```
{fp8_lm}
```

What is missed, and why:

- Samples a second of 175B by FP8-LM with four sequences a micro-batch, -16 %: the authors measured 45 % more than with one.
  Work in proportion to weights, the bubble (3 of 35 passes in place of 3 of 131) and longer kernels explain 28 %.
- Memory of 13B by FP8-LM, -13 and -19 %: a sequence more takes 9.5 GiB in the table, more than the same model's rows leave
  room for in bf16 (9.0); counted are 6.2. 7B's row says 10.0, 8.7 are counted; 175B's 5.8, 7.7 are counted. No one rule of
  what is kept gives all three.
- The network: its 7B exchanges 31 GB/s a node, its 175B 100 GB/s, where eight cards have 400; the constant is their
  geometric mean.

## Inference

Llama 3 405B with feed-forward products in fp8 (arXiv 2407.21783, section 6.2: up to 50 % more prefill throughput,
feed-forward about half of the time), and attention in fp8 (its efficiency is from the abstract it is compared with).

```
{inference}
```

## Kernels of narrow formats, on an H100

`silicon/precision_h100.csv`, PyTorch 2.11 and Triton 3.6, against `platforms/gpus/h100-sxm.yaml`. Nothing was fitted on the rows of
blocks, of quantisation and of decode: a tile of 128 x 128 sums that leaves the matrix units every 128 of k takes 128 clocks of the
lanes beside 512 of multiplying, which alone explains why blocks run at 0.8 of row scales' rate; keys and values in fp8 take 4
slots of the lanes an element (`models/machine/format.c`). int8's efficiency and the rate of PyTorch's own cast from fp8 were fitted.

```
{kernels}
```

Weights dequantised inside the product (the four rows without a bound): the time is that of the counted instructions, with the matrix
units waiting meanwhile, as a well-made kernel's; none of those measured is faster. It is no one's time: our own Triton kernels,
written in an hour, take 1.1 to 2.9 times as long, PyTorch's int4 product 1.1 to 1.2 times with one token and up to 16 with 64.
What tuned kernels reach is published for another GPU: Marlin (arXiv 2408.11743) has the ideal 3.87 times fp16's speed on an A10 at up
to 16 to 32 tokens, the ratio of bytes that is counted here too (16 bits over 4.125), and says that it is not optimised for Hopper.
For an H100, whose memory is faster beside its lanes, w4a16 comes out at 2.9 to 3.0 times bf16 with 16 tokens and 0.96 to 0.98 of
it with 8,192.
"""


def printed(folder, test):
    text = subprocess.run([folder / test], check=True, capture_output=True, text=True).stdout
    lines = [line for line in text.splitlines() if not line.startswith(("Running suite", "100%"))]
    return "\n".join(lines)


def summary(text):
    """Without the rows that a class was judged by."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(" "))


def main(arguments):
    folder = pathlib.Path(arguments[0]).resolve()
    page = PAGE.format(quality=printed(folder, "test_quality"), fp8_lm=printed(folder, "test_fp8_lm"),
                       inference=printed(folder, "test_precision_inference"),
                       kernels=summary(printed(folder, "test_precision_kernels")))
    if "--check" not in arguments:
        sys.stdout.write(page)
        return 0
    kept = pathlib.Path(arguments[arguments.index("--check") + 1])
    if kept.read_text(encoding="utf-8") != page:
        print(f"{kept} is out of date: tests/validation/precision_page.py build/release/tests > {kept}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
