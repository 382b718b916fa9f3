"""Details of audit entries made small before they are encrypted: afterwards nobody could.

Most are short texts under the same names, of which no compression makes anything by itself. So it is
given what is usual: a text that has been in the details before is stored as a reference to it.
"""

from __future__ import annotations

import zlib

DEFLATED = b"\x01"  # no JSON begins with it: what does is as it is, as older entries are
SHORT = 64  # bytes, of which it takes longer to make less than less is worth
_WINDOW_BITS, _MEMORY_LEVEL = -12, 5  # plain deflate; 4 kB of dictionary and of the text itself

# Never change a letter of it: nothing that was written could be read any more. A better one comes under
# a mark of its own. What is most usual stands last, where references to it are shortest.
_USUAL = (
    b'{"type":"BANK TRANSFER","gateway":"","CHECK","CREDIT","subject":"kind":"message":"failure":"'
    b'"before":"after":"operation":"vendor":"state":"draft"void"needs_you"approved"blocked"skipped"'
    b'"refunded":"disputed":"dispute":"lost"won"movements":"net":"unexplained":"0.00","purpose":'
    b'"compared":"counts":{"create":"update":"steps":"feed":"events":"job":"to_sync":"released_jobs":'
    b'"business_name":"address":{"city":"","country":"CA","US","GB","line1":"","line2":"",'
    b'"postal_code":"","state":""},"phone":"","email":"@","name":"","tax_exempt":"none","'
    b'"preferred_locales":["en"],"tax_id_data":[{"type":"eu_vat","ca_gst_hst","value":"'
    b'stripe.customers.create:client:stripe.customers.update:"fb_client_id":"'
    b'{"customer":"cus_","notes":["custom_fields":[{"name":"Invoice number","value":"'
    b'"description":"","footer":"","payment_settings":{"payment_method_types":["card"],'
    b'"amount":"USD EUR GBP CAD "invoiceid":"date":"2026-01-2027-"code":"CAD","note":"Stripe pi_3'
    b' inpay_1 [mlc:"type":"MASTERCARD"VISA"},"error":"","key":"mlc1:freshbooks.payments.create:'
    b'invoice::r1:attempt-1:,"note":"","result":{"amount":"","id":},"revision":1,"step":"attempt-1",'
    b'"write":,"freshbooks_payment":"in_freshbooks":"invoice_payment":"inpay_1","kept":"mode":"record"'
    b'approval"observe","payment_intent":"pi_3","reason":""}{"collection_status":"unpaid"partly_paid"'
    b'paid","freshbooks_outstanding_minor":0,"freshbooks_paid_minor":0,"reason":"","returned_minor":0,'
    b'"state":"settled"open","stripe_paid_minor":0,"stripe_remaining_minor":0,"stripe_status":"paid"'
    b'open"}{"body":{},"error":"","key":"mlc1:stripe.invoices.finalize:invoice::r1:finalize:'
    b'","note":"","result":{"id":"in_1","status":"open","url":"https://invoice.stripe.com/i/acct_1/'
    b'live_test_YWNjdF8x?s=ap"},"revision":1,"step":"finalize","write":{"body":{"lines":[{"amount":'
    b'"description":"","discountable":false,"price_data":{"currency":"usd"eur"cad","product_data":'
    b'{"name":""},"unit_amount":"unit_amount_decimal":"},"quantity":1,"tax_amounts":[{"amount":'
    b'"tax_rate_data":{"country":"display_name":"inclusive":false,"jurisdiction":"percentage":"'
    b'"taxable_amount":}]}]},"error":"","key":"mlc1:stripe.invoices.lines:invoice::r1:lines-100-0:'
    b'","note":"","result":{"currency":"CAD","id":"in_1","total_minor":},"revision":1,'
    b'"step":"lines-100-0","write":{"body":{"auto_advance":false,"collection_method":"send_invoice",'
    b'"currency":"cad","customer":"cus_","discounts":"","due_date":1"effective_at":1"metadata":{'
    b'"fb_account":"","fb_invoice_id":"","fb_invoice_number":"","fb_revision":"1"},"number":"",'
    b'"pending_invoice_items_behavior":"exclude"},"error":"","key":"mlc1:stripe.invoices.create:'
    b'invoice::r1:create:","note":"","result":{"id":"in_1"},"revision":1,"step":"create","write":'
)


def pack(text: bytes) -> bytes:
    """The text, deflated if that makes it shorter."""
    if len(text) < SHORT:
        return text
    deflate = zlib.compressobj(wbits=_WINDOW_BITS, memLevel=_MEMORY_LEVEL, zdict=_USUAL)
    packed = DEFLATED + deflate.compress(text) + deflate.flush()
    return packed if len(packed) < len(text) else text


def unpack(packed: bytes) -> bytes:
    """The text back, also of what was never packed."""
    if not packed.startswith(DEFLATED):
        return packed
    inflate = zlib.decompressobj(wbits=_WINDOW_BITS, zdict=_USUAL)
    return inflate.decompress(packed[len(DEFLATED) :]) + inflate.flush()
