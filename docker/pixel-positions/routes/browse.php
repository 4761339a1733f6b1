<?php

use App\Http\Controllers\EmployerController;
use App\Http\Controllers\HomeController;
use App\Http\Controllers\PositionController;
use App\Http\Controllers\SearchController;
use App\Http\Controllers\TagController;
use Illuminate\Support\Facades\Route;

Route::get('/', HomeController::class)->name('home');
Route::get('/search', SearchController::class)->name('search');
Route::get('/tags', [TagController::class, 'index'])->name('tags.index');
Route::get('/tags/{tag:slug}', [TagController::class, 'show'])->name('tags.show');
Route::get('/employers', [EmployerController::class, 'index'])->name('employers.index');
Route::get('/employers/{employer:slug}', [EmployerController::class, 'show'])->name('employers.show');
// A slug never is one word without a digit, so `jobs/create` stays free.
Route::get('/jobs/{position:slug}', [PositionController::class, 'show'])
    ->where('position', '[a-z0-9-]*[0-9]+')
    ->name('positions.show');
