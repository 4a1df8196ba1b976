// SPDX-License-Identifier: GPL-2.0-only
#include <string>
#include <variant>

#include "model/pair_map.h"
#include "tests/support/printers.h"
#include "tests/support/test_world.h"

using namespace pairsim;
using namespace pairsim::test;

namespace {

pair_map map_of(std::uint32_t nr_cpus, std::uint32_t stride, bool big = false)
{
    const auto made = make_pair_map(nr_cpus, stride, big);
    CAPTURE(nr_cpus, stride);
    REQUIRE(std::holds_alternative<pair_map>(made));
    return std::get<pair_map>(made);
}

std::string refusal(std::uint32_t nr_cpus, std::uint32_t stride)
{
    const auto made = make_pair_map(nr_cpus, stride, false);
    CAPTURE(nr_cpus, stride);
    REQUIRE(std::holds_alternative<std::string>(made));
    return std::get<std::string>(made);
}

} // namespace

TEST_CASE("without a stride CPU i is paired with CPU i + n/2", "[main]")
{
    const auto map = map_of(8, 0);
    CHECK(map == map_of(8, 4));
    CHECK(map.pairs ==
          std::vector<pair_map::pair>{
              {cpu_id{0}, cpu_id{4}}, {cpu_id{1}, cpu_id{5}}, {cpu_id{2}, cpu_id{6}}, {cpu_id{3}, cpu_id{7}}});
    CHECK(map.pair_id == std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1, 2, 3});
    CHECK(map.in_pair_idx == std::vector<std::uint8_t>{0, 0, 0, 0, 1, 1, 1, 1});
    CHECK(map.ctx_entries == 4);
}

TEST_CASE("a pair's id is its first CPU, which may lie beyond the pair_ctx map", "[main]")
{
    const auto map = map_of(4, 1);
    CHECK(map.pairs == std::vector<pair_map::pair>{{cpu_id{0}, cpu_id{1}}, {cpu_id{2}, cpu_id{3}}});
    CHECK(map.pair_id == std::vector<std::uint32_t>{0, 0, 2, 2});
    CHECK(map.in_pair_idx == std::vector<std::uint8_t>{0, 1, 0, 1});
    CHECK(map.ctx_entries == 2);
    CHECK(map_of(4, 1, true).ctx_entries == 4);
}

TEST_CASE("a stride that meets a CPU twice is refused", "[main]")
{
    CHECK_THAT(refusal(4, 3), contains("three CPUs"));
    CHECK_THAT(refusal(8, 3), contains("three CPUs"));
    CHECK_THAT(refusal(4, 4), contains("its own pair"));
    CHECK_THAT(refusal(2, 2), contains("its own pair"));
    CHECK_THAT(refusal(4, 0xffffffffU), contains("three CPUs")); // as if it were 3
}

TEST_CASE("an odd number of CPUs cannot be paired", "[main]")
{
    CHECK_THAT(refusal(3, 0), contains("even number"));
    CHECK_THAT(refusal(1, 0), contains("even number"));
    CHECK_THAT(refusal(0, 0), contains("even number"));
}

TEST_CASE("whatever is accepted pairs each CPU with another one that agrees", "[main]")
{
    for (std::uint32_t nr_cpus = 2; nr_cpus <= 24; nr_cpus += 2) {
        for (std::uint32_t stride = 0; stride <= 2 * nr_cpus; ++stride) {
            const auto made = make_pair_map(nr_cpus, stride, false);
            // The loader walks up the CPUs and pairs each free one with its i + stride: that works out exactly if the
            // stride, counted within the ring, cuts it into blocks of twice its length.
            const std::uint32_t s = (stride == 0 ? nr_cpus / 2 : stride) % nr_cpus;
            const bool works = s != 0 && nr_cpus % (2 * s) == 0;
            CAPTURE(nr_cpus, stride);
            REQUIRE(std::holds_alternative<pair_map>(made) == works);
            if (!works) {
                continue;
            }
            const auto& map = std::get<pair_map>(made);
            REQUIRE(map.pairs.size() == nr_cpus / 2);
            for (std::uint32_t i = 0; i < nr_cpus; ++i) {
                const cpu_id partner = map.pair_cpu[i];
                REQUIRE(partner.value != i);
                REQUIRE(map.pair_cpu[partner.value].value == i);
                REQUIRE(map.pair_id[i] == std::min<std::uint32_t>(i, partner.value));
                REQUIRE(map.in_pair_idx[i] == (i < partner.value ? 0 : 1));
            }
        }
    }
}

TEST_CASE("a pair whose id lies beyond the map ends the scheduler at its first dispatch", "[try_dispatch]")
{
    test_world w(4);
    w.options.stride = 1;
    w.options.variants.big_ctx_map = GENERATE(false, true);
    w.add_task(root_cgroup, {run(1ms), sleep(1ms), again()}, {.at = 1ms, .cpu = cpu2});
    w.run_to(10ms);
    if (w.options.variants.big_ctx_map) {
        CHECK(w.sim().exit().kind == exit_kind::none);
        return;
    }
    CHECK(w.sim().exit().kind == exit_kind::error_bpf);
    CHECK(w.sim().exit().at == sim_time{2ms});
    CHECK(w.sched().error_text(w.sim().exit()) == "failed to lookup pairc and in_pair_mask for cpu[2]");
}

TEST_CASE("a pair whose id lies beyond the map does not notice a higher class", "[pair_cpu_release]")
{
    test_world w(4);
    w.options.stride = 1;
    w.add_hog(root_cgroup, {.at = 1ms, .cpu = cpu2});
    w.add_higher(cpu2, 2ms, 1ms);
    w.run_to(4ms);
    CHECK(w.sim().exit().kind == exit_kind::none);
    CHECK(w.counter(pair_counter::nr_preemptions) == 0);
}
