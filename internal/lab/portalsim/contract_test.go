package portalsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// contracts are members of answers with their types, as the pages of the documentation show them: s text, n number, b true
// or false, o object, a list, 0 null; several letters are alternatives. A path leads from result, with numbers into lists.
var contracts = []struct{ page, call, members string }{
	{"api-reference/common/users/profile.md", "profile", "ID:s ADMIN:b NAME:s LAST_NAME:s PERSONAL_GENDER:s TIME_ZONE:s"},
	{"api-reference/common/system/app-info.md", "app.info", "ID:n CODE:s VERSION:n STATUS:s INSTALLED:b PAYMENT_EXPIRED:s DAYS:0n LANGUAGE_ID:s LICENSE:s LICENSE_TYPE:s LICENSE_FAMILY:s"},
	{"api-reference/common/system/scope.md", "scope", ":a 0:s"},
	{"api-reference/common/system/server-time.md", "server.time", ":s"},
	{"api-reference/common/system/methods.md", "methods", ":a 0:s"},
	{"api-reference/common/system/method-get.md", "method.get?name=user.get", "isExisting:b isAvailable:b"},
	{"api-reference/common/system/feature-get.md", "feature.get?CODE=rest_auth_connector", "value:s"},
	{"api-reference/common/users/user-admin.md", "user.admin", ":b"},
	{"api-reference/user/user-current.md", "user.current", "ID:s ACTIVE:b NAME:s LAST_NAME:s EMAIL:s LAST_LOGIN:s DATE_REGISTER:s IS_ONLINE:s LAST_ACTIVITY_DATE:s PERSONAL_GENDER:s PERSONAL_BIRTHDAY:s WORK_POSITION:s UF_EMPLOYMENT_DATE:s UF_DEPARTMENT:a UF_DEPARTMENT.0:n"},
	{"api-reference/user/user-search.md", "user.search?FIND=anna", "0.ID:s 0.ACTIVE:b 0.TIME_ZONE:s 0.TIMESTAMP_X:oa 0.USER_TYPE:s"},
	{"api-reference/widgets/placement-get.md", "placement.get", ":a 0.placement:s 0.userId:n 0.handler:s 0.options:oa 0.title:s 0.description:s 0.langAll:o 0.langAll.en.TITLE:s 0.langAll.en.GROUP_NAME:s"},
	{"api-reference/events/event-get.md", "event.get", ":a 0.event:s 0.handler:s 0.auth_type:s 0.offline:n"},
	{"api-reference/crm/universal/crm-item-get.md", "crm.item.get?entityTypeId=1&id=250", "item.id:n item.createdTime:s item.dateCreateShort:0 item.opportunity:n item.isManualOpportunity:s item.observers:a item.fm.0.id:n item.fm.0.typeId:s item.utmSource:0 item.parentId1222:0 item.entityTypeId:n"},
	{"api-reference/crm/universal/crm-item-add.md (a deal)", "crm.item.get?entityTypeId=2&id=20", "item.leadId:n item.quoteId:n item.productId:0 item.categoryId:n item.isNew:s item.isRecurring:s item.isReturnCustomer:s item.isRepeatedApproach:s item.closed:s item.taxValue:n item.probability:n item.begindateShort:0 item.eventId:0 item.webformId:0n item.orderStage:0 item.isLose:0 item.receivedAmount:0 item.contactIds:a"},
	{"api-reference/crm/universal/crm-item-list.md", "crm.item.list?entityTypeId=1&select[]=title", "items:a items.0.id:n items.0.title:s"},
	{"api-reference/crm/universal/crm-item-fields.md", "crm.item.fields?entityTypeId=31", "fields.parentId2.type:s fields.parentId2.isRequired:b fields.parentId2.isReadOnly:b fields.parentId2.isImmutable:b fields.parentId2.isMultiple:b fields.parentId2.isDynamic:b fields.parentId2.title:s fields.parentId2.settings.parentEntityTypeId:n fields.parentId2.upperName:s"},
	{"api-reference/crm/universal/user-defined-object-types/crm-type-list.md", "crm.type.list", "types.0.id:n types.0.title:s types.0.code:s types.0.createdBy:n types.0.entityTypeId:n types.0.customSectionId:0 types.0.isCategoriesEnabled:s types.0.isBeginCloseDatesEnabled:s types.0.isUseInUserfieldEnabled:s types.0.isLinkWithProductsEnabled:s types.0.isMycompanyEnabled:s types.0.isDocumentsEnabled:s types.0.isSourceEnabled:s types.0.isObserversEnabled:s types.0.isRecyclebinEnabled:s types.0.isAutomationEnabled:s types.0.isBizProcEnabled:s types.0.isSetOpenPermissions:s types.0.isPaymentsEnabled:s types.0.isCountersEnabled:s types.0.createdTime:s types.0.updatedBy:n"},
	{"api-reference/crm/universal/user-defined-object-types/crm-type-get-by-entity-type-id.md", "crm.type.getByEntityTypeId?entityTypeId=1038", "type.id:n type.entityTypeId:n type.title:s type.isStagesEnabled:s type.relations.parent:a type.relations.parent.0.entityTypeId:n type.relations.parent.0.isChildrenListEnabled:s type.relations.parent.0.isPredefined:s type.relations.child:a"},
	{"api-reference/crm/requisites/universal/crm-requisite-list.md", "crm.requisite.list?filter[ENTITY_TYPE_ID]=4&filter[ENTITY_ID]=40", ":a 0.ID:s 0.ENTITY_TYPE_ID:s 0.ENTITY_ID:s 0.NAME:s 0.RQ_COMPANY_NAME:s"},
	{"api-reference/crm/requisites/universal/crm-requisite-fields.md", "crm.requisite.fields", "ID.type:s ID.isRequired:b ID.isReadOnly:b ID.isMultiple:b ID.isDynamic:b ID.title:s RQ_INN.title:s"},
	{"api-reference/crm/requisites/bank-detail/crm-requisite-bank-detail-list.md", "crm.requisite.bankdetail.list?filter[ENTITY_ID]=7", ":a 0.ID:s 0.ENTITY_ID:s 0.NAME:s 0.RQ_IBAN:s"},
	{"api-reference/crm/requisites/bank-detail/crm-requisite-bank-detail-fields.md", "crm.requisite.bankdetail.fields", "ID.type:s ENTITY_ID.title:s RQ_IBAN.title:s"},
	{"api-reference/crm/requisites/addresses/crm-address-list.md", "crm.address.list?filter[ANCHOR_TYPE_ID]=4&filter[ANCHOR_ID]=40", ":a 0.TYPE_ID:s 0.ENTITY_TYPE_ID:s 0.ENTITY_ID:s 0.ADDRESS_1:s 0.CITY:s 0.COUNTRY_CODE:0s 0.LOC_ADDR_ID:s 0.ANCHOR_TYPE_ID:s 0.ANCHOR_ID:s"},
	{"api-reference/crm/auxiliary/enum/crm-enum-address-type.md", "crm.enum.addresstype", "0.ID:n 0.NAME:s 0.SYMBOL_CODE:0"},
	{"api-reference/crm/universal/category/crm-category-list.md", "crm.category.list?entityTypeId=2", "categories.0.id:n categories.0.name:s categories.0.sort:n categories.0.entityTypeId:n categories.0.isDefault:s categories.0.originId:s categories.0.originatorId:s"},
	{"api-reference/crm/status/crm-status-list.md", "crm.status.list", "0.ID:s 0.ENTITY_ID:s 0.STATUS_ID:s 0.NAME:s 0.NAME_INIT:s 0.SORT:s 0.SYSTEM:s 0.CATEGORY_ID:0s 0.COLOR:s 0.SEMANTICS:0s 0.EXTRA.SEMANTICS:s"},
	{"api-reference/crm/currency/crm-currency-list.md", "crm.currency.list", "0.CURRENCY:s 0.AMOUNT_CNT:s 0.AMOUNT:s 0.SORT:s 0.BASE:s 0.FULL_NAME:s 0.FORMAT_STRING:s 0.DEC_POINT:s0 0.DECIMALS:s 0.DATE_UPDATE:s"},
	{"api-reference/crm/deals/crm-deal-get.md", "crm.deal.get?id=20", "ID:s TITLE:s TYPE_ID:s STAGE_ID:s PROBABILITY:s OPPORTUNITY:s IS_MANUAL_OPPORTUNITY:s TAX_VALUE:s LEAD_ID:s0 COMPANY_ID:s CONTACT_ID:s QUOTE_ID:s0 BEGINDATE:s CLOSEDATE:s CREATED_BY_ID:s MODIFY_BY_ID:s DATE_CREATE:s DATE_MODIFY:s CLOSED:s CATEGORY_ID:s STAGE_SEMANTIC_ID:s IS_NEW:s IS_RECURRING:s MOVED_BY_ID:s MOVED_TIME:s UTM_SOURCE:s0 LAST_ACTIVITY_BY:s"},
	{"api-reference/crm/contacts/crm-contact-get.md", "crm.contact.get?id=30", "ID:s HONORIFIC:s NAME:s LEAD_ID:s0 EXPORT:s HAS_PHONE:s ORIGIN_VERSION:0s ADDRESS_CITY:0s ADDRESS_POSTAL_CODE:0s PHONE.0.ID:s PHONE.0.VALUE_TYPE:s PHONE.0.VALUE:s PHONE.0.TYPE_ID:s EMAIL.0.ID:s"},
	{"api-reference/crm/deals/crm-deal-fields.md", "crm.deal.fields", "STAGE_ID.type:s STAGE_ID.isRequired:b STAGE_ID.isImmutable:b STAGE_ID.statusType:s STAGE_ID.title:s"},
	{"api-reference/crm/universal/product-rows/crm-item-productrow-list.md", "crm.item.productrow.list?filter[%3DownerType]=D&filter[%3DownerId]=20", "productRows.0.id:n productRows.0.ownerId:n productRows.0.ownerType:s productRows.0.productId:n productRows.0.productName:s productRows.0.price:n productRows.0.quantity:n productRows.0.discountRate:n productRows.0.taxRate:n productRows.0.taxIncluded:s productRows.0.measureCode:n productRows.0.sort:n"},
	{"api-reference/crm/crm-stage-history-list.md", "crm.stagehistory.list?entityTypeId=2&filter[OWNER_ID]=20", "items:a items.0.ID:n items.0.TYPE_ID:n items.0.OWNER_ID:n items.0.CREATED_TIME:s items.0.CATEGORY_ID:n items.0.STAGE_SEMANTIC_ID:s items.0.STAGE_ID:s"},
	{"api-reference/crm/crm-stage-history-list.md (a lead)", "crm.stagehistory.list?entityTypeId=1&filter[OWNER_ID]=252", "items.0.ID:n items.0.STATUS_SEMANTIC_ID:s items.0.STATUS_ID:s"},
	{"api-reference/crm/timeline/comments/crm-timeline-comment-list.md", "crm.timeline.comment.list?filter[ENTITY_ID]=20&filter[ENTITY_TYPE]=deal", ":a 0.ID:s 0.ENTITY_ID:sn 0.ENTITY_TYPE:s 0.CREATED:s 0.COMMENT:s 0.AUTHOR_ID:s"},
	{"api-reference/crm/timeline/activities/activity-base/crm-activity-list.md", "crm.activity.list?filter[OWNER_TYPE_ID]=2", ":a 0.ID:s 0.OWNER_ID:s 0.OWNER_TYPE_ID:s 0.TYPE_ID:s 0.PROVIDER_ID:s 0.PROVIDER_TYPE_ID:s 0.PROVIDER_GROUP_ID:0 0.ASSOCIATED_ENTITY_ID:s 0.SUBJECT:s 0.CREATED:s 0.LAST_UPDATED:s 0.START_TIME:s 0.END_TIME:s 0.DEADLINE:s 0.COMPLETED:s 0.STATUS:s 0.RESPONSIBLE_ID:s 0.PRIORITY:s 0.NOTIFY_TYPE:s 0.NOTIFY_VALUE:s 0.DESCRIPTION:s 0.DESCRIPTION_TYPE:s 0.DIRECTION:s 0.LOCATION:s 0.SETTINGS:a 0.ORIGINATOR_ID:0 0.AUTHOR_ID:s 0.EDITOR_ID:s 0.PROVIDER_PARAMS:a 0.PROVIDER_DATA:0 0.RESULT_MARK:s 0.RESULT_SUM:0 0.AUTOCOMPLETE_RULE:s"},
	{"api-reference/crm/universal/item-details-configuration/crm-item-details-configuration-get.md", "crm.item.details.configuration.get?entityTypeId=2&scope=C", "0.name:s 0.title:s 0.type:s 0.elements.0.name:s 0.elements.0.optionFlags:s"},
}

// kindOf is the letter of a value's type.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "0"
	case string:
		return "s"
	case float64:
		return "n"
	case bool:
		return "b"
	case []any:
		return "a"
	default:
		return "o"
	}
}

// follow goes from a value along a path.
func follow(value any, path string) (any, error) {
	if path == "" {
		return value, nil
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[name]
			if !ok {
				return nil, fmt.Errorf("no member %s", name)
			}
			value = member
		case []any:
			var n int
			if _, err := fmt.Sscan(name, &n); err != nil || n >= len(v) {
				return nil, fmt.Errorf("no entry %s", name)
			}
			value = v[n]
		default:
			return nil, fmt.Errorf("%s of a scalar", name)
		}
	}
	return value, nil
}

func TestAnswersHaveTheMembersOfTheDocumentation(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000, Truth: portalsim.Everything()})
	w.portal.GrantScope("app.1", "crm", "placement", "user")
	access, _ := w.tokens(1)
	contains(t, w.call(access, "placement.bind", `{"PLACEMENT":"CRM_LEAD_DETAIL_TAB","HANDLER":"https://app.example/","TITLE":"Tab"}`), `"result":true`)
	contains(t, w.call(access, "event.bind", `{"event":"ONCRMLEADADD","handler":"https://app.example/"}`), `"result":true`)
	for _, c := range contracts {
		method, query, _ := strings.Cut(c.call, "?")
		r := w.get(w.portal.Endpoint() + method + "?auth=" + access + "&" + query)
		var result any
		if err := json.Unmarshal(r.Result, &result); err != nil {
			t.Errorf("%s: %d %s", c.call, r.status, r.body)
			continue
		}
		for member := range strings.FieldsSeq(c.members) {
			path, kinds, _ := strings.Cut(member, ":")
			value, err := follow(result, path)
			if err != nil || !strings.Contains(kinds, kindOf(value)) {
				t.Errorf("%s: %s is %s (%v), want %s, says %s", c.call, path, kindOf(value), err, kinds, c.page)
			}
		}
		for _, name := range []string{"start", "finish", "duration", "processing", "date_start", "date_finish", "operating"} {
			if _, ok := r.Time[name]; !ok {
				t.Errorf("%s: time lacks %s", c.call, name)
			}
		}
	}
}
