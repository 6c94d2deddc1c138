"""A language has one name, however it is spelled."""

import pytest

from helpers.audio import languages


@pytest.mark.parametrize(
    ("wanted", "spelled"),
    {
        "en": "en EN en-US en_us en-GB eng English ENGLISH",
        "zh": "zh zh-CN zh_TW zho chi cmn cmn_hans_cn Chinese Mandarin Mandarin_Chinese",
        "yue": "yue yue_hant_hk zh-HK zh-hant-mo Cantonese",
        "he": "he iw he_il heb Hebrew",
        "jv": "jv jw jv_id Javanese",
        "no": "no nb nb-NO nb_no nob Norwegian",
        "nn": "nn nn-NO",
        "fil": "fil tl fil_ph",
        "de": "de german deu ger de_de",
        "es": "es es_419 spanish es-MX",
        "sv": "sv-SE sv swedish",
        "rm": "rm-sursilv rm-vallader",
        "is": "is is_is Icelandic",
        "lo": "lao Lao lo_la",
    }.items(),
)
def test_every_spelling_comes_to_one_name(wanted, spelled):
    assert {languages.code(name) for name in spelled.split()} == {wanted}


@pytest.mark.parametrize(
    "name", ["mine", "l0", "en_male", "français", "english-old", "ncx", "-x", "", "it_old", "x y"]
)
def test_a_name_of_ones_own_stays_as_it_is(name):
    assert languages.code(name) == name


FLEURS = """af_za am_et ar_eg as_in ast_es az_az be_by bg_bg bn_in bs_ba ca_es ceb_ph ckb_iq
cmn_hans_cn cs_cz cy_gb da_dk de_de el_gr en_us es_419 et_ee fa_ir ff_sn fi_fi fil_ph fr_fr ga_ie
gl_es gu_in ha_ng he_il hi_in hr_hr hu_hu hy_am id_id ig_ng is_is it_it ja_jp jv_id ka_ge kam_ke
kea_cv kk_kz km_kh kn_in ko_kr ky_kg lb_lu lg_ug ln_cd lo_la lt_lt luo_ke lv_lv mi_nz mk_mk ml_in
mn_mn mr_in ms_my mt_mt my_mm nb_no ne_np nl_nl nso_za ny_mw oc_fr om_et or_in pa_in pl_pl ps_af
pt_br ro_ro ru_ru sd_in sk_sk sl_si sn_zw so_so sr_rs sv_se sw_ke ta_in te_in tg_tj th_th tr_tr
uk_ua umb_ao ur_pk uz_uz vi_vn wo_sn xh_za yo_ng yue_hant_hk zu_za""".split()


def test_the_languages_of_fleurs_stay_apart():
    codes = {name: languages.code(name) for name in FLEURS}
    assert len(set(codes.values())) == len(FLEURS) == 102
    changed = {name: c for name, c in codes.items() if c != name.split("_")[0]}
    assert changed == {"cmn_hans_cn": "zh", "nb_no": "no"}
