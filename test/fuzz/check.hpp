// What all fuzzers share: a property that does not hold stops the run with its text.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(property)                                                                   \
	do                                                                                    \
	{                                                                                     \
		if (!(property))                                                                  \
		{                                                                                 \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #property); \
			abort();                                                                      \
		}                                                                                 \
	} while (false)
