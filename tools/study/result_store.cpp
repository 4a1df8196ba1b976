// SPDX-License-Identifier: GPL-2.0-only
#include "tools/study/result_store.h"

#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "pairsim_version.h"
#include "sim/check.h"

namespace pairsim {
namespace {

json value_json(const std::optional<double>& value)
{
    if (!value || !std::isfinite(*value)) {
        return nullptr;
    }
    constexpr double exact = 9007199254740992; // 2^53: whole numbers up to here look like whole numbers
    if (std::fabs(*value) < exact && std::floor(*value) == *value) {
        return static_cast<std::int64_t>(*value);
    }
    return *value;
}

/// A field of a CSV file. Source: RFC 4180.
std::string csv_field(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string field = "\"";
    for (const char c : text) {
        field += c == '"' ? "\"\"" : std::string(1, c);
    }
    return field + "\"";
}

std::vector<std::string> split_lines(std::string_view text)
{
    std::vector<std::string> lines;
    for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::optional<run_record> record_of(const json& line, const std::vector<metric>& metrics)
{
    run_record r;
    try {
        r = {.id = line.at("id").get<std::string>(),
             .seed = line.at("seed").get<std::uint64_t>(),
             .version = line.at("version").get<std::string>(),
             .digest = line.at("digest").get<std::string>(),
             .exit = line.at("exit").get<std::string>(),
             .values = {}};
        const json& values = line.at("metrics");
        for (const metric& m : metrics) {
            const json& value = values.at(m.name);
            r.values.push_back(value.is_null() ? std::nullopt : std::optional(value.get<double>()));
        }
    } catch (const json::exception&) {
        return std::nullopt;
    }
    return r;
}

} // namespace

std::string line_of(const study& s, const study_point& point, const run_record& record)
{
    json line;
    line["id"] = record.id;
    line["parameters"] = json::object();
    for (std::size_t i = 0; i < s.factors.size(); ++i) {
        line["parameters"][s.factors[i]] = point.labels[i];
    }
    line["seed"] = record.seed;
    line["version"] = record.version;
    line["digest"] = record.digest;
    line["exit"] = record.exit;
    for (std::size_t i = 0; i < s.metrics.size(); ++i) {
        line["metrics"][s.metrics[i].name] = value_json(record.values[i]);
    }
    return line.dump() + "\n";
}

std::string text_in_line(std::string_view line, const char* key)
{
    const json parsed = json::parse(line, nullptr, false);
    return parsed.is_object() && parsed.contains(key) && parsed[key].is_string() ? parsed[key].get<std::string>() : "";
}

result_set::result_set(const study& s) : study_(s), records_(s.points.size())
{
    for (std::size_t p = 0; p < s.points.size(); ++p) {
        records_[p].resize(s.most_replications());
        for (std::uint32_t r = 0; r < s.most_replications(); ++r) {
            places_.emplace(run_id(s.points[p], s.seed_of(r)), run_place{p, r});
        }
    }
}

result_set::taken result_set::add_line(std::string_view line)
{
    const json parsed = json::parse(line, nullptr, false);
    if (!parsed.is_object() || !parsed.contains("id") || !parsed["id"].is_string()) {
        return taken::broken;
    }
    const auto place = places_.find(parsed["id"].get_ref<const std::string&>());
    if (place == places_.end()) {
        return taken::foreign;
    }
    const auto record = record_of(parsed, study_.metrics);
    if (!record) {
        return taken::broken;
    }
    const auto& there = at(place->second.point, place->second.replication);
    if (there) {
        return *there == *record ? taken::duplicate : taken::conflict;
    }
    add(place->second, *record);
    return taken::added;
}

void result_set::add(run_place place, run_record record)
{
    auto& slot = records_[place.point][place.replication];
    SIM_CHECK(!slot);
    slot = std::move(record);
    ++size_;
}

const std::optional<run_record>& result_set::at(std::size_t point, std::uint32_t replication) const
{
    return records_[point][replication];
}

std::uint32_t result_set::runs_of(std::size_t point) const
{
    std::uint32_t n = 0;
    while (n < records_[point].size() && records_[point][n]) {
        ++n;
    }
    return n;
}

std::string result_set::lines() const
{
    std::string text;
    for (std::size_t p = 0; p < records_.size(); ++p) {
        for (const auto& record : records_[p]) {
            text += record ? line_of(study_, study_.points[p], *record) : "";
        }
    }
    return text;
}

std::string result_set::csv() const
{
    std::string text = "id";
    for (const std::string& factor : study_.factors) {
        text += "," + csv_field(factor);
    }
    text += ",seed,version,digest,exit";
    for (const metric& m : study_.metrics) {
        text += "," + csv_field(m.name);
    }
    text += "\n";
    for (std::size_t p = 0; p < records_.size(); ++p) {
        for (const auto& record : records_[p]) {
            if (!record) {
                continue;
            }
            text += record->id;
            for (const std::string& label : study_.points[p].labels) {
                text += "," + csv_field(label);
            }
            text += fmt::format(",{},{},{},{}", record->seed, record->version, record->digest, record->exit);
            for (const auto& value : record->values) {
                text += "," + (value ? value_json(value).dump() : "");
            }
            text += "\n";
        }
    }
    return text;
}

result_file::result_file(std::string path) : path_(std::move(path))
{
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
        fail("cannot be opened for writing", errno);
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        ::close(fd_);
        fail(error == EWOULDBLOCK ? "another pairsim study is writing it; wait for it or give another --out"
                                  : "cannot be locked",
             error);
    }
    std::string text;
    std::string buffer(std::size_t{1} << 16U, '\0');
    for (ssize_t n = 0; (n = ::read(fd_, buffer.data(), buffer.size())) != 0;) {
        if (n < 0 && errno != EINTR) {
            const int error = errno;
            ::close(fd_);
            fail("cannot be read", error);
        }
        text.append(buffer, 0, n < 0 ? 0 : static_cast<std::size_t>(n));
    }
    lines_ = split_lines(text);
    const auto last_end = text.rfind('\n');
    const auto whole = static_cast<off_t>(last_end == std::string::npos ? 0 : last_end + 1);
    if (::ftruncate(fd_, whole) != 0 || ::lseek(fd_, whole, SEEK_SET) < 0) {
        const int error = errno;
        ::close(fd_);
        fail("cannot be written", error);
    }
}

result_file::~result_file()
{
    ::close(fd_);
}

void result_file::append(const std::string& line)
{
    const off_t before = ::lseek(fd_, 0, SEEK_CUR);
    std::string_view rest = line;
    while (!rest.empty()) {
        const ssize_t n = ::write(fd_, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            const int error = errno;
            static_cast<void>(::ftruncate(fd_, before)); // if that fails too, the next opening cuts the torn line
            static_cast<void>(::lseek(fd_, before, SEEK_SET));
            fail("cannot be written", error);
        }
        rest.remove_prefix(static_cast<std::size_t>(n));
    }
}

void result_file::fail(const char* what, int error) const
{
    throw std::system_error(error, std::generic_category(), path_ + ": " + what);
}

std::vector<std::string> read_lines(const std::string& path)
{
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || text.bad()) {
        throw std::system_error(errno, std::generic_category(), path + ": cannot be read");
    }
    return split_lines(text.str());
}

} // namespace pairsim
