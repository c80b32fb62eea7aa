/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Macros of libraries for cppcheck, which reads no system headers. Only tools/lint uses this file.
 */
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}

#define bpf_object__for_each_map(map, object)                           \
	for ((map) = bpf_object__next_map(object, NULL); (map) != NULL; \
	     (map) = bpf_object__next_map(object, map))
#define bpf_object__for_each_program(program, object)                               \
	for ((program) = bpf_object__next_program(object, NULL); (program) != NULL; \
	     (program) = bpf_object__next_program(object, program))

#define json_array_foreach(array, index, value)                                            \
	for ((index) = 0;                                                                  \
	     (index) < json_array_size(array) && ((value) = json_array_get(array, index)); \
	     (index)++)
#define json_object_foreach(object, key, value)                      \
	for ((key) = json_object_iter_key(json_object_iter(object)); \
	     (key) && ((value) = json_object_get(object, key));      \
	     (key) = json_object_iter_key(json_object_key_to_iter(key)))
