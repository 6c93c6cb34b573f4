typedef int cpsim_engine_empty;
