typedef int cpsim_trace_empty;
