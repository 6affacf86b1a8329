from __future__ import annotations

from django.urls import path

from annotation.views import (
    data,
    differences,
    exports,
    gold,
    guidelinefiles,
    guidelines,
    home,
    projects,
    rerating,
    roundacts,
    roundchecks,
    roundraters,
    rounds,
    work,
    workbench,
)

PROJECT = "projects/<slug:slug>/"
DATASET = PROJECT + "data/<int:dataset_id>/"
GUIDELINE = PROJECT + "guidelines/<int:guideline_id>/"
ROUND = PROJECT + "rounds/<int:round_id>/"
ROUND_ITEM = ROUND + "items/<int:item_id>/"
ROUND_RATER = ROUND + "raters/<int:rater_id>/"
RATING = PROJECT + "ratings/<int:assignment_id>/"

urlpatterns = [
    path("", home.home, name="home"),
    path(ROUND + "rate/", workbench.rate, name="rate"),
    path(ROUND + "news-read/", workbench.news_read, name="news_read"),
    path(RATING, workbench.own, name="rating_own"),
    path(RATING + "submit/", workbench.submit, name="rating_submit"),
    path(RATING + "draft/", workbench.save_draft, name="rating_draft"),
    path(RATING + "skip/", workbench.skip, name="rating_skip"),
    path(RATING + "flag/", workbench.flag, name="rating_flag"),
    path(PROJECT + "my-work/", work.mine, name="my_work"),
    path(PROJECT + "my-work/answers/", work.answers, name="my_answers"),
    path(PROJECT + "my-work/agreement/", work.agreements, name="my_agreement"),
    path(
        PROJECT + "my-work/agreement/<int:round_id>/",
        work.agreement,
        name="my_round_agreement",
    ),
    path(PROJECT + "work/", work.everybody, name="work"),
    path(PROJECT + "work/work.csv", work.download, name="work_download"),
    path(PROJECT, projects.overview, name="project"),
    path(PROJECT + "copy/", projects.copy, name="project_copy"),
    path(PROJECT + "data/", data.index, name="datasets"),
    path(PROJECT + "data/new/", data.new, name="dataset_new"),
    path(DATASET, data.dataset, name="dataset"),
    path(DATASET + "items/", data.import_items, name="import_items"),
    path(DATASET + "items/<int:upload_id>/", data.import_map, name="import_map"),
    path(DATASET + "labels/", data.import_labels, name="import_labels"),
    path(DATASET + "labels/<int:upload_id>/", data.import_labels_map, name="import_labels_map"),
    path(PROJECT + "items/<int:item_id>/", data.item, name="item"),
    path(PROJECT + "imports/", data.imports, name="imports"),
    path(PROJECT + "items/<int:item_id>/gold/", gold.item, name="item_gold"),
    path(PROJECT + "gold/", gold.index, name="gold"),
    path(PROJECT + "gold/<int:gold_id>/take-back/", gold.take_back, name="gold_take_back"),
    path(PROJECT + "imports/<int:job_id>/", data.import_job, name="import_job"),
    path(PROJECT + "export/", exports.index, name="exports"),
    path(
        PROJECT + "export/<slug:table>.<slug:extension>", exports.download, name="export_download"
    ),
    path(PROJECT + "guidelines/", guidelines.index, name="guidelines"),
    path(PROJECT + "guidelines/new/", guidelines.new, name="guideline_new"),
    path(
        PROJECT + "guidelines/versions/<int:version_id>/",
        guidelines.version,
        name="guideline_version",
    ),
    path(PROJECT + "guidelines/import/", guidelinefiles.bring_in, name="guideline_import"),
    path(PROJECT + "guidelines/file/", guidelinefiles.every, name="guidelines_file"),
    path(GUIDELINE + "file/", guidelinefiles.one, name="guideline_file"),
    path(GUIDELINE, guidelines.history, name="guideline"),
    path(GUIDELINE + "differences/", differences.show, name="guideline_differences"),
    path(GUIDELINE + "draft/", guidelines.draft, name="guideline_draft"),
    path(GUIDELINE + "edit/", guidelines.edit, name="guideline_edit"),
    path(GUIDELINE + "preview/", guidelines.preview, name="guideline_preview"),
    path(GUIDELINE + "publish/", guidelines.publish, name="guideline_publish"),
    path(GUIDELINE + "re-rate/", rerating.new, name="guideline_rerate"),
    path(GUIDELINE + "discard/", guidelines.discard, name="guideline_discard"),
    path(PROJECT + "rounds/", rounds.index, name="rounds"),
    path(PROJECT + "rounds/new/", rounds.new, name="round_new"),
    path(ROUND, rounds.show, name="round"),
    path(ROUND + "open/", rounds.open_round, name="round_open"),
    path(ROUND + "pause/", rounds.pause, name="round_pause"),
    path(ROUND + "resume/", rounds.resume, name="round_resume"),
    path(ROUND + "close/", rounds.close, name="round_close"),
    path(ROUND + "raters/", rounds.add_raters, name="round_raters"),
    path(ROUND_RATER, roundraters.show, name="round_rater"),
    path(ROUND_RATER + "quota/", roundraters.quota, name="round_quota"),
    path(ROUND_RATER + "hand-back/", roundraters.hand_back, name="round_hand_back"),
    path(ROUND_RATER + "remove/", roundraters.remove, name="round_rater_remove"),
    path(ROUND + "items/add/", roundraters.add_items, name="round_items_add"),
    path(ROUND + "items/add/again/", roundraters.lay_again, name="round_lay_again"),
    path(ROUND_ITEM, roundacts.item, name="round_item"),
    path(ROUND_ITEM + "withdraw/", roundacts.withdraw, name="round_withdraw"),
    path(ROUND_ITEM + "correct/", roundacts.correct, name="round_correct"),
    path(ROUND + "checks/", roundchecks.change, name="round_checks"),
    path(ROUND + "passed/", roundchecks.passed, name="round_passed"),
    path(ROUND_RATER + "let-in/", roundchecks.let_in, name="round_let_in"),
    path(ROUND + "reports/", roundacts.index, name="round_reports"),
    path(ROUND + "changes/", roundacts.changed, name="round_changes"),
    path(
        ROUND + "changes/<int:withdrawal_id>/take-back/",
        roundacts.take_back,
        name="round_take_back",
    ),
]
