/* SPDX-License-Identifier: MIT */
#include "models/kernels/kernel_measurement.h"

#include "models/kernels/measurement.h"

#include <assert.h>

struct kernel_measurement kernel_of_gemm(const struct gemm_shape *shape)
{
    static const enum kernel_class classes[SCALING_COUNT] = {
        [SCALING_NONE] = KERNEL_GEMM,
        [SCALING_TENSOR] = KERNEL_GEMM_TENSOR,
        [SCALING_ROW] = KERNEL_GEMM_ROW,
        [SCALING_BLOCK] = KERNEL_GEMM_ROW, /* whose constants it takes */
    };
    bool grouped = shape->experts.count > 0;
    return (struct kernel_measurement){
        .class = grouped ? KERNEL_GEMM_EXPERTS : classes[shape->scaling], .gemm = *shape};
}

struct kernel_measurement kernel_of_attention(const struct attention_shape *shape)
{
    return (struct kernel_measurement){.class = shape->queries > 1 ? KERNEL_ATTENTION_PREFILL
                                                                   : KERNEL_ATTENTION_DECODE,
                                       .attention = *shape};
}

struct kernel_measurement kernel_of_memory(const struct memory_shape *shape)
{
    static const enum kernel_class classes[MEMORY_KERNEL_COUNT] = {
        [MEMORY_COPY] = KERNEL_COPY,
        [MEMORY_ADD_RMSNORM] = KERNEL_NORM,
        [MEMORY_SWIGLU] = KERNEL_SWIGLU,
        [MEMORY_ROPE] = KERNEL_ROPE,
        [MEMORY_QUANTISE_ROW] = KERNEL_QUANTISE,
        [MEMORY_QUANTISE] = KERNEL_CAST,
        [MEMORY_DEQUANTISE] = KERNEL_CAST,
        [MEMORY_KV_APPEND] = KERNEL_OTHER_MEMORY,
        [MEMORY_MERGE] = KERNEL_OTHER_MEMORY,
        [MEMORY_EMBEDDING] = KERNEL_OTHER_MEMORY,
        [MEMORY_OPTIMIZER] = KERNEL_OTHER_MEMORY,
    };
    /* A compiler's kernels run at a copy's rate, whatever they compute. */
    return (struct kernel_measurement){
        .class = shape->fused ? KERNEL_OTHER_MEMORY : classes[shape->kernel], .memory = *shape};
}

struct power_state kernel_measurement_predict(const struct gpu *gpu,
                                              const struct kernel_measurement *measurement)
{
    struct kernel_work work = {0};
    switch (measurement->class) {
    case KERNEL_GEMM:
    case KERNEL_GEMM_TENSOR:
    case KERNEL_GEMM_ROW:
    case KERNEL_GEMM_EXPERTS:
        work = gemm_work(gpu, &measurement->gemm);
        break;
    case KERNEL_ATTENTION_PREFILL:
    case KERNEL_ATTENTION_DECODE:
        work = attention_work(gpu, &measurement->attention, 1);
        break;
    case KERNEL_NORM:
    case KERNEL_SWIGLU:
    case KERNEL_QUANTISE:
    case KERNEL_CAST:
    case KERNEL_ROPE:
    case KERNEL_COPY:
    case KERNEL_OTHER_MEMORY:
        work = memory_kernel_work(gpu, &measurement->memory);
        break;
    case KERNEL_CLASS_COUNT:
        assert(false && "not a class of kernels");
    }
    if (measurement->run_seconds <= 0.0) {
        return measurement_of_kernel(gpu, &work);
    }
    struct power_load load = {.works = &work, .work_count = 1};
    return power_settle(gpu, &load, power_allowance_watts(gpu, measurement->run_seconds));
}
