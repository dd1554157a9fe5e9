// The text that a scraper reads.
#include "core/open_metrics.hpp"

#include <gtest/gtest.h>

using namespace mg;

TEST(OpenMetricsTest, an_empty_one_is_its_end)
{
	EXPECT_EQ(OpenMetrics().str(), "# EOF");
}

TEST(OpenMetricsTest, families_and_samples)
{
	OpenMetrics metrics;

	metrics.family("runs", "counter", "", "attempts");
	metrics.sample("_total", {{"action", "apply"}, {"outcome", "rolled back"}}, "3");
	metrics.family("size_bytes", "gauge", "bytes", "none here");
	metrics.family("age_seconds", "gauge", "seconds", "of the oldest");
	metrics.sample("", {}, "0.5");
	EXPECT_EQ(metrics.str(), "# TYPE runs counter\n# HELP runs attempts\n"
							 "runs_total{action=\"apply\",outcome=\"rolled back\"} 3\n"
							 "# TYPE size_bytes gauge\n# UNIT size_bytes bytes\n# HELP size_bytes none here\n"
							 "# TYPE age_seconds gauge\n# UNIT age_seconds seconds\n# HELP age_seconds of the oldest\n"
							 "age_seconds 0.5\n# EOF");
}

TEST(OpenMetricsTest, escapes)
{
	OpenMetrics metrics;

	metrics.family("m", "gauge", "", "a \"word\"\\\nnext");
	metrics.sample("", {{"l", "a\"b\\c\nd{}é,= "}}, "1");
	EXPECT_EQ(metrics.str(),
			  "# TYPE m gauge\n# HELP m a \\\"word\\\"\\\\\\nnext\nm{l=\"a\\\"b\\\\c\\nd{}é,= \"} 1\n# EOF");
}
