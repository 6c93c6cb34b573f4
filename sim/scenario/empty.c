typedef int cpsim_scenario_empty;
