/**
 * onnxruntime from 1.29 on tells its maker about the machine (device id, CPU, path of the program) unless this stands in
 * the environment when its library is loaded. Imported before it, for the process's sake; a thread inherits it.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';
