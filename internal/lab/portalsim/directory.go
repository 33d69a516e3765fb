package portalsim

import (
	"maps"
	"slices"
	"strings"
)

// methodMethods names the methods that the token may call, those of one scope, or all (api-reference/common/system/methods.md).
func methodMethods(c *call) (any, *apiError) {
	scope, named := c.params.fold("scope"), c.params.fold("scope") != nil
	out := []string{}
	all := c.portal.sim.methods
	for _, name := range append(slices.Sorted(maps.Keys(all)), "batch") {
		m := all[name]
		switch {
		case named && scope == "" && m.scope == "",
			named && scope != "" && slices.Contains(strings.Split(m.scope, "|"), c.params.foldText("scope")),
			!named && truthy(c.params.fold("full")),
			!named && (m.scope == "" || c.granted(m.scope)):
			out = append(out, name)
		}
	}
	return out, nil
}

// methodMethodGet tells whether a method exists and may be called.
func methodMethodGet(c *call) (any, *apiError) {
	name := c.params.text("name")
	m, exists := c.portal.sim.methods[name], c.portal.sim.isMethod(name)
	return newObject().set("isExisting", exists).set("isAvailable", exists && (m.scope == "" || c.granted(m.scope))), nil
}

// methodFeatureGet tells of the two features that apps ask for; a portal on-premise answers its language and
// "selfhosted".
func methodFeatureGet(c *call) (any, *apiError) {
	code := c.params.foldText("CODE")
	switch {
	case code == "":
		return nil, failure(400, "CODE_EMPTY", "CODE can't be empty")
	case c.portal.operatingLimit == 0:
		return newObject().set("value", "en_selfhosted"), nil
	case slices.Contains([]string{"rest_offline_extended", "rest_auth_connector"}, code) && c.portal.plan == "enterprise":
		return newObject().set("value", "Y"), nil
	}
	return newObject().set("value", "N"), nil
}
