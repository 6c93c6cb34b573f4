typedef int cpsim_inference_empty;
