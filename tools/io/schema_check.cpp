// SPDX-License-Identifier: GPL-2.0-only
#include "tools/io/schema_check.h"

#include <algorithm>

#include <fmt/format.h>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

namespace pairsim {

namespace {

using names = std::vector<std::string>;

/// Says in words why a value does not match a schema. It finds no more than one problem a place.
class explainer {
public:
    explicit explainer(const json& schema) : schema_(schema) {}

    void explain(const json& schema_node, const json_cursor& at) const
    {
        const json& node = resolve(schema_node);
        if (node.contains("oneOf")) {
            if (const json* branch = choose(schema_node, at)) {
                explain(*branch, at);
            }
            return;
        }
        if (const auto type = node.find("type"); type != node.end() && !has_type(at.value(), *type)) {
            at.fail(fmt::format("expected {}, got {}", article(*type), type_name(at.value())), hint(schema_node));
            return;
        }
        explain_value(schema_node, node, at);
        if (at.value().is_object()) {
            explain_object(node, at);
        } else if (at.value().is_array()) {
            explain_array(node, at);
        }
    }

private:
    const json& resolve(const json& node) const
    {
        const auto ref = node.find("$ref"); // "#/definitions/NAME"
        return ref == node.end()
                   ? node
                   : resolve(schema_.at(json::json_pointer(ref->get_ref<const std::string&>().substr(1))));
    }

    /// What the schema says of a value: in the place where it occurs, then of its kind.
    std::string hint(const json& node) const
    {
        const std::string here = node.value("description", "");
        const json& kind = resolve(node);
        const std::string there = &kind == &node ? "" : kind.value("description", "");
        return here + (here.empty() || there.empty() ? "" : " ") + there;
    }

    static std::string article(const json& type)
    {
        const auto& name = type.get_ref<const std::string&>();
        return (name.find_first_of("aeiou") == 0 ? "an " : "a ") + name;
    }

    static bool has_type(const json& value, const json& type)
    {
        return type == "object"    ? value.is_object()
               : type == "array"   ? value.is_array()
               : type == "string"  ? value.is_string()
               : type == "boolean" ? value.is_boolean()
               : type == "integer" ? value.is_number_integer()
                                   : value.is_number();
    }

    static names keys_of(const json& object)
    {
        names keys;
        for (const auto& [key, ignored] : object.items()) {
            keys.push_back(key);
        }
        return keys;
    }

    static std::string did_you_mean(std::string_view given, const names& known)
    {
        const std::string near = closest_name(given, known);
        return near.empty() ? "" : "; did you mean " + quote(near) + "?";
    }

    /// All branches of a oneOf, those of branches that are oneOf themselves included.
    std::vector<const json*> branches_of(const json& node) const
    {
        std::vector<const json*> branches;
        for (const json& branch : node.at("oneOf")) {
            const json& resolved = resolve(branch);
            if (resolved.contains("oneOf")) {
                const auto inner = branches_of(resolved);
                branches.insert(branches.end(), inner.begin(), inner.end());
            } else {
                branches.push_back(&resolved);
            }
        }
        return branches;
    }

    /// The branch of a oneOf that the author of the value meant. Reports a problem if none can be told.
    const json* choose(const json& said, const json_cursor& at) const
    {
        std::vector<const json*> branches = branches_of(resolve(said));
        names types;
        for (const json* branch : branches) {
            const std::string type = article(branch->at("type"));
            if (std::find(types.begin(), types.end(), type) == types.end()) {
                types.push_back(type);
            }
        }
        std::erase_if(branches, [&](const json* branch) { return !has_type(at.value(), branch->at("type")); });
        if (branches.empty()) {
            at.fail(fmt::format("expected {}, got {}", fmt::join(types, " or "), type_name(at.value())), hint(said));
            return nullptr;
        }
        return branches.size() == 1 ? branches.front() : choose_object(branches, at);
    }

    /// Of several kinds of object: the one with the value's own constant ("dist"), else the one with a required key
    /// that the value has and not every kind requires.
    static const json* choose_object(const std::vector<const json*>& branches, const json_cursor& at)
    {
        names constants;
        names distinctive;
        std::optional<json_cursor> kind;
        for (const json* branch : branches) {
            for (const json& key : branch->at("required")) {
                const auto& name = key.get_ref<const std::string&>();
                const json& property = branch->at("properties").at(name);
                const auto given = at.get(name);
                if (property.contains("const") && property.at("const").is_string() && given) {
                    kind = given;
                    constants.push_back(property.at("const").get<std::string>());
                    if (given->value() == property.at("const")) {
                        return branch;
                    }
                }
                const auto has_key = [&](const json* b) {
                    return std::find(b->at("required").begin(), b->at("required").end(), key) !=
                           b->at("required").end();
                };
                if (!std::all_of(branches.begin(), branches.end(), has_key) &&
                    std::find(distinctive.begin(), distinctive.end(), name) == distinctive.end()) {
                    distinctive.push_back(name);
                }
            }
        }
        if (kind) {
            const std::string given = kind->value().is_string() ? kind->value().get<std::string>() : "";
            kind->fail("unknown value " + quote(kind->value().dump()),
                       "known values: " + quote_all(constants) + did_you_mean(given, constants));
            return nullptr;
        }
        return choose_by_key(branches, distinctive, at);
    }

    static const json* choose_by_key(const std::vector<const json*>& branches, const names& distinctive,
                                     const json_cursor& at)
    {
        for (const json* branch : branches) {
            for (const json& key : branch->at("required")) {
                const auto& name = key.get_ref<const std::string&>();
                if (at.get(name) && std::find(distinctive.begin(), distinctive.end(), name) != distinctive.end()) {
                    return branch;
                }
            }
        }
        const names given = keys_of(at.value());
        std::string remedy = "give one of " + quote_all(distinctive);
        for (const std::string& key : given) {
            remedy += did_you_mean(key, distinctive);
        }
        at.fail(given.empty() ? "the object is empty" : "none of the keys says what this is: " + quote_all(given),
                remedy);
        return nullptr;
    }

    /// Keywords about single values.
    void explain_value(const json& said, const json& node, const json_cursor& at) const
    {
        const json& value = at.value();
        names allowed;
        if (const auto constant = node.find("const"); constant != node.end() && value != *constant) {
            at.fail("unknown value " + shown(value), "write " + constant->dump());
        }
        if (const auto values = node.find("enum");
            values != node.end() && std::find(values->begin(), values->end(), value) == values->end()) {
            values->get_to(allowed);
            at.fail("unknown value " + shown(value),
                    "known values: " + quote_all(allowed) + did_you_mean(value.get_ref<const std::string&>(), allowed));
        }
        if ((node.contains("minimum") && value < node.at("minimum")) ||
            (node.contains("maximum") && value > node.at("maximum"))) {
            at.fail(shown(value) + " is out of range", range(node) + "; " + hint(said));
        }
        if (value.is_string()) {
            const auto& text = value.get_ref<const std::string&>();
            const auto length = static_cast<std::size_t>(std::count_if(
                text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
            if (length < node.value("minLength", std::size_t{0})) {
                at.fail("the string is empty", hint(said));
            } else if (length > node.value("maxLength", length)) {
                at.fail(fmt::format("the string has {} characters", length),
                        fmt::format("write at most {}; {}", node.at("maxLength").dump(), hint(said)));
            }
        }
    }

    static std::string shown(const json& value)
    {
        return value.is_string() ? quote(value.get_ref<const std::string&>()) : value.dump();
    }

    static std::string range(const json& node)
    {
        const bool low = node.contains("minimum");
        const bool high = node.contains("maximum");
        return low && high ? fmt::format("give {} to {}", node.at("minimum").dump(), node.at("maximum").dump())
               : low       ? fmt::format("give {} or more", node.at("minimum").dump())
                           : fmt::format("give {} or less", node.at("maximum").dump());
    }

    void explain_object(const json& node, const json_cursor& at) const
    {
        const json properties = node.value("properties", json::object());
        for (const json& key : node.value("required", json::array())) {
            const auto& name = key.get_ref<const std::string&>();
            if (!at.get(name)) {
                at.fail("missing key " + quote(name), "add it: " + hint(properties.at(name)));
            }
        }
        const names known = keys_of(properties);
        for (const auto& [key, member] : at.members()) {
            if (const auto property = properties.find(key); property != properties.end()) {
                explain(*property, member);
            } else if (node.value("additionalProperties", json(true)) == json(false)) {
                member.fail("unknown key " + quote(key), "known keys: " + quote_all(known) + did_you_mean(key, known));
            }
        }
    }

    void explain_array(const json& node, const json_cursor& at) const
    {
        const std::size_t size = at.value().size();
        const auto low = node.value("minItems", std::size_t{0});
        const auto high = node.value("maxItems", size);
        if (size < low || size > high) {
            at.fail(fmt::format("the array has {} elements", size), low == high ? fmt::format("give {}", low)
                                                                    : size < low
                                                                        ? fmt::format("give at least {}", low)
                                                                        : fmt::format("give at most {}", high));
        }
        const json items = node.value("items", json(true));
        std::size_t i = 0;
        for (const json_cursor& element : at.items()) {
            if (items.is_object()) {
                explain(items, element);
            } else if (items.is_array() && i < items.size()) {
                explain(items[i], element);
            }
            ++i;
        }
    }

    const json& schema_;
};

/// std::regex, which valijson uses, recurses for each character of the text.
void remove_patterns(nlohmann::json& schema)
{
    if (schema.is_object() && schema.contains("pattern") && schema["pattern"].is_string()) {
        schema.erase("pattern");
    }
    for (auto& part : schema) {
        if (part.is_structured()) {
            remove_patterns(part);
        }
    }
}

} // namespace

struct schema_checker::compiled {
    json text;  ///< the whole schema
    json start; ///< the part of it that documents must match
    valijson::Schema schema;
};

schema_checker::schema_checker(std::string_view schema_text, const std::string& definition)
{
    auto made = std::make_shared<compiled>();
    made->text = json::parse(schema_text);
    made->start = definition.empty() ? made->text : made->text.at("definitions").at(definition);

    nlohmann::json plain(made->start); // valijson has no adapter for ordered_json
    plain["definitions"] = made->text.at("definitions");
    remove_patterns(plain);
    valijson::SchemaParser parser;
    parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(plain), made->schema);
    compiled_ = std::move(made);
}

bool schema_checker::check(const input_document& document) const
{
    const nlohmann::json plain(document.root);
    valijson::adapters::NlohmannJsonAdapter adapter(plain);
    valijson::ValidationResults results;
    if (valijson::Validator(valijson::Validator::kStrongTypes).validate(compiled_->schema, adapter, &results)) {
        return true;
    }
    const json_cursor root(document);
    explainer(compiled_->text).explain(compiled_->start, root);
    if (!root.failed()) { // the schema uses a keyword that we have no words for
        for (const auto& error : results) {
            root.fail(error.description, "see the schema that pairsim schema prints for this format");
        }
    }
    return false;
}

} // namespace pairsim
