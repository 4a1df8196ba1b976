// SPDX-License-Identifier: GPL-2.0-only
#include "tools/view/page.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "sim/check.h"
#include "tools/view/page_data.h"
#include "tools/view/page_files.h"

namespace pairsim {
namespace {

std::string escape_html(std::string_view text)
{
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

/// JSON that may stand inside of a script element: no name in it can end the element.
std::string script_json(const json& j)
{
    std::string result;
    for (const char c : j.dump()) {
        result += c == '<' ? std::string("\\u003c") : std::string(1, c);
    }
    return result;
}

/// The repository's explanations without their licence line.
std::string explanations()
{
    std::string_view text = embedded::page_explanations;
    return escape_html(text.substr(text.find('\n') + 1));
}

std::string data_element(std::string_view id, const std::string& bytes)
{
    return fmt::format("<script type=\"application/octet-stream\" id=\"{}\">{}</script>\n", id, base64(bytes));
}

} // namespace

std::string view_page(const story& s)
{
    std::string script;
    for (const auto part : {embedded::page_decode, embedded::page_lookup, embedded::page_draw, embedded::page_steps,
                            embedded::page_main}) {
        script += part;
    }
    const std::string data = "<script type=\"application/json\" id=\"data-header\">" + script_json(page_header(s)) +
                             "</script>\n" + data_element("data-spans", page_spans(s)) +
                             data_element("data-ctxs", page_ctxs(s)) + data_element("data-findings", page_findings(s)) +
                             data_element("data-queues", page_queues(s)) +
                             data_element("data-records", page_records(s));
    const std::array<std::pair<std::string_view, std::string>, 5> parts = {{
        {"{{title}}", escape_html(s.run.what.name)},
        {"{{style}}", std::string(embedded::page_style)},
        {"{{explanations}}", explanations()},
        {"{{data}}", data},
        {"{{script}}", script},
    }};
    std::string page;
    std::string_view rest = embedded::page_html;
    for (auto open = rest.find("{{"); open != std::string_view::npos; open = rest.find("{{")) {
        page += rest.substr(0, open);
        rest.remove_prefix(open);
        bool found = false;
        for (const auto& [place, text] : parts) {
            if (rest.starts_with(place)) {
                page += text;
                rest.remove_prefix(place.size());
                found = true;
            }
        }
        SIM_CHECK(found);
    }
    return page += rest;
}

} // namespace pairsim
